"""How a training goes, as typed configuration: what is trainable, the optimizer, the schedule, clipping."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from titer.records import Record, tupled
from titer.seeds import derive
from titer.training.load import Load
from titer.training.schedules import SGDR, Constant, Cosine, Warmup

if TYPE_CHECKING:
    import torch

    from titer.models.subject import Subject

Positive = Annotated[float, Field(gt=0)]
Fraction = Annotated[float, Field(ge=0, lt=1)]


class Full(Record):
    """Every weight is trained."""

    kind: Literal["full"] = "full"

    def check(self, subject: Subject) -> None:
        """Every subject has weights."""

    @contextmanager
    def applied(self, subject: Subject, seed: int) -> Iterator[dict[str, torch.nn.Parameter]]:
        """The trainable weights by name; they stay as the block leaves them."""
        subject.model.requires_grad_(True)
        yield dict(subject.model.named_parameters())


class LoRA(Record):
    """A low-rank adapter is trained, through peft.

    Attributes:
        rank: of the adapter's matrices.
        alpha: the adapter is multiplied by alpha / rank.
        dropout: the share of its inputs that is left out at each step.
        targets: names of modules, or "all-linear" for every linear one but the head.
    """

    kind: Literal["lora"] = "lora"
    rank: int = Field(default=8, ge=1)
    alpha: int = Field(default=16, ge=1)
    dropout: Fraction = 0.0
    targets: Literal["all-linear"] | tuple[str, ...] = "all-linear"

    def check(self, subject: Subject) -> None:
        """Look whether the subject has modules of these names.

        Raises:
            InputError: if it has none, or one that cannot be adapted.
        """
        with self.applied(subject, 0):
            pass

    @contextmanager
    def applied(self, subject: Subject, seed: int) -> Iterator[dict[str, torch.nn.Parameter]]:
        """The adapter's weights by name; the block's end merges it, and leaving the block early drops it."""
        with subject.adapt(
            rank=self.rank, alpha=self.alpha, dropout=self.dropout, targets=self.targets, seed=derive(seed, "adapter")
        ):
            yield {name: own for name, own in subject.model.named_parameters() if own.requires_grad}


class AdamW(Record):
    """Loshchilov and Hutter 2019, arXiv 1711.05101, fused."""

    kind: Literal["adamw"] = "adamw"
    betas: tuple[Fraction, Fraction] = (0.9, 0.999)
    eps: Positive = 1e-8
    weight_decay: float = Field(default=0.0, ge=0)

    def build(self, parameters: list[torch.nn.Parameter], lr: float) -> torch.optim.Optimizer:
        """The optimizer over the parameters."""
        import torch

        return torch.optim.AdamW(
            parameters, lr=lr, betas=self.betas, eps=self.eps, weight_decay=self.weight_decay, fused=True
        )


class Adam(Record):
    """Kingma and Ba 2015, arXiv 1412.6980, fused; `weight_decay` is added to the gradient, not to the step."""

    kind: Literal["adam"] = "adam"
    betas: tuple[Fraction, Fraction] = (0.9, 0.999)
    eps: Positive = 1e-8
    weight_decay: float = Field(default=0.0, ge=0)

    def build(self, parameters: list[torch.nn.Parameter], lr: float) -> torch.optim.Optimizer:
        """The optimizer over the parameters."""
        import torch

        return torch.optim.Adam(
            parameters, lr=lr, betas=self.betas, eps=self.eps, weight_decay=self.weight_decay, fused=True
        )


class Adagrad(Record):
    """Duchi, Hazan and Singer 2011, JMLR 12, 2121-2159, diagonal: steps shrink as squared gradients add up."""

    kind: Literal["adagrad"] = "adagrad"
    eps: Positive = 1e-10

    def build(self, parameters: list[torch.nn.Parameter], lr: float) -> torch.optim.Optimizer:
        """The optimizer over the parameters."""
        import torch

        return torch.optim.Adagrad(parameters, lr=lr, eps=self.eps)


class SGD(Record):
    """Stochastic gradient descent with heavy-ball momentum, or with Nesterov's."""

    kind: Literal["sgd"] = "sgd"
    momentum: Fraction = 0.0
    nesterov: bool = Field(default=False, exclude_if=lambda nesterov: not nesterov)

    @model_validator(mode="after")
    def _check_momentum(self) -> Self:
        if self.nesterov and self.momentum == 0:
            raise ValueError("nesterov needs a momentum above 0")
        return self

    def build(self, parameters: list[torch.nn.Parameter], lr: float) -> torch.optim.Optimizer:
        """The optimizer over the parameters."""
        import torch

        return torch.optim.SGD(parameters, lr=lr, momentum=self.momentum, nesterov=self.nesterov)


def _named(value: Any) -> Any:
    """`"lora"` is short for `{kind = "lora"}`."""
    return {"kind": value} if isinstance(value, str) else tupled(value)


Trainable = Annotated[Full | LoRA, Field(discriminator="kind"), BeforeValidator(_named)]
Optimizer = Annotated[AdamW | Adam | Adagrad | SGD, Field(discriminator="kind"), BeforeValidator(_named)]
Schedule = Annotated[Constant | Warmup | Cosine | SGDR, Field(discriminator="kind"), BeforeValidator(_named)]


class Training(Record):
    """All of a training but its objective and length: the parameters that every trained method shares.

    Attributes:
        lr: the learning rate, at its peak.
        batch: rows that go through the model at once.
        accumulation: batches that make one step.
        trainable: which weights are trained: every one, or an adapter.
        optimizer: what follows the gradient.
        schedule: how the learning rate goes along the steps.
        clip: the largest norm of the whole gradient; none leaves it as it is.
    """

    lr: Positive = 1e-4
    batch: int = Field(default=8, ge=1)
    accumulation: int = Field(default=1, ge=1)
    trainable: Trainable = Full()
    optimizer: Optimizer = AdamW()
    schedule: Schedule = Constant()
    clip: Positive | None = 1.0

    @property
    def rows_per_step(self) -> int:
        """The rows one optimizer step is made of."""
        return self.batch * self.accumulation

    @property
    def load(self) -> Load:
        """What goes through the subject: the rows of a step, unless the method says otherwise."""
        return Load(rows=self.rows_per_step)
