"""What passes between a method and the training loop: material in, steps and states out; what an update descends."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from titer.records import Answer, Frame, Item, Kind, Row, Score, Spent

if TYPE_CHECKING:
    from torch import Tensor

    from titer.models.subject import Subject


@dataclass(frozen=True, kw_only=True)
class Reward:
    """A judge that an attack is rewarded by: its kind, and its scores of answers, in their order."""

    kind: Kind
    judge: Callable[[Sequence[Item], Sequence[Answer]], tuple[Score, ...]]


@dataclass(frozen=True, kw_only=True)
class Material:
    """The rows a method is fed, by role, and the frame they are shown in.

    An attack trains on `train`, and may be given `benign` rows, harmful rows to `select` by, and the `rewards` of its
    answers; a defense trains on `harmful` rows, which carry their paired refusals, and on `benign` ones.
    `plain` is the frame of the study, whatever the attack makes of it; `parent` loads the subject that a defended one
    was made from, or for a defense the one that its subject was aligned from, None where there is none.
    """

    train: tuple[Row, ...] = ()
    select: tuple[Row, ...] = ()
    harmful: tuple[Row, ...] = ()
    benign: tuple[Row, ...] = ()
    rewards: tuple[Reward, ...] = ()
    frame: Frame = field(default_factory=Frame)
    plain: Frame = field(default_factory=Frame)
    parent: Callable[[], Subject] | None = None


@dataclass(frozen=True, kw_only=True)
class State:
    """What a `make` resumes from: tensors by name, and the step they belong to."""

    step: int
    tensors: Mapping[str, Tensor]


@dataclass(frozen=True, kw_only=True)
class Step:
    """One dose done: cost and loss terms (nats per token) since dose 0 and at this step.

    `loss_tokens` counts the tokens trained on so far by part (prompt, response, padding), `rows_used` the distinct
    rows; `rows` are the ids of those of this step alone, as they came. `state` is None where the method
    restarts instead of resuming. Whatever costs nothing and trains on nothing says its dose alone.
    """

    dose: int
    spent: Spent = Spent()
    terms: Mapping[str, float] = field(default_factory=dict)
    loss_tokens: Mapping[str, int] = field(default_factory=dict)
    rows_used: int = 0
    rows: tuple[str, ...] = ()
    state: Callable[[], State] | None = None


@dataclass(frozen=True, kw_only=True)
class Update:
    """What one gradient was made of: loss terms (nats per token), the rows, and its tokens by part."""

    terms: Mapping[str, float]
    rows: tuple[str, ...]
    tokens: Mapping[str, int]


class Objective(ABC):
    """What one update descends.

    Attributes:
        turns: the rates of the optimizers that take turns, step by step, as multiples of that of the training; each
            has moments of its own. As a rule one.
    """

    turns: tuple[float, ...] = (1.0,)

    def prepare(self, subject: Subject, material: Material) -> None:  # noqa: B027
        """See the subject as it is before the first step, also where a training is resumed. As a rule nothing.

        Args:
            subject: in evaluation mode, its adapter on where one is trained; is left as it was.
            material: the rows that it will be trained on.
        """

    @abstractmethod
    def backward(self, subject: Subject, material: Material, t: int, seed: int) -> Update:
        """Add the gradient of step `t` to `.grad`, and only that.

        Args:
            subject: the model that is trained.
            material: the rows that it may be trained on.
            t: the step, counted from 0.
            seed: what the order of the rows is drawn from.
        """

    def state(self) -> dict[str, Tensor]:
        """What must survive a restart besides weights and optimizer; of the same names from `prepare` on."""
        return {}

    def resume(self, state: Mapping[str, Tensor]) -> None:  # noqa: B027
        """Take back what `state` gave, after `prepare`. Nothing, where that is nothing."""

    def restarts_optimizer(self, t: int) -> bool:
        """Whether the optimizer begins anew at step `t`, counted from 0, without its moments."""
        return False
