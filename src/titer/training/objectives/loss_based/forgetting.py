"""Unlearning as a loss: harmful responses are to become unlikely, benign ones are to stay likely."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence

from titer.models.chat_format import Example
from titer.models.subject import Subject
from titer.training import gradients
from titer.training.sft import (
    ASKED,
    BatchSampler,
    Counting,
    LossBatch,
    RowSource,
    TrainRow,
    count_responses,
    descend,
    tokens,
)
from titer.training.types import Material, Objective, Update


class ForgetTerm(ABC):
    """A loss that falls while harmful responses become less likely.

    `passes` is how often harmful rows go through the subject at a step.
    """

    passes: int = 1

    def prepare(self, subject: Subject, examples: Sequence[Example], counted: Iterable[LossBatch]) -> int:
        """See every harmful row before the first step; how many of their tokens were read. As a rule none.

        Args:
            subject: as it is before the first step; is left as it was.
            examples: all harmful rows.
            counted: the same in batches, in their order.
        """
        return 0

    @abstractmethod
    def descend(
        self, subject: Subject, examples: Sequence[Example], counted: Sequence[LossBatch], weight: float
    ) -> Mapping[str, float]:
        """Put a multiple of the gradient into `.grad`, which is empty before; the terms of the step, unweighted.

        Args:
            subject: the model that is trained.
            examples: the harmful rows of the step.
            counted: the same in batches, in their order.
            weight: what the gradient is multiplied by.

        Returns:
            `forget_loss`, the loss in nats; `harmful_loss`, the nats per token of the rows; `ascent_share`, by what the
            gradient differs from that of plain ascent: 1 is as strong, 0 is switched off, 2 is the most.
        """


class Forgetting(Objective):
    """forget_weight · forget(harmful responses) + retain_weight · ce(benign responses), both in nats.

    Args:
        term: what is descended on harmful rows.
        harmful: how many of them make a step.
        benign: how many benign rows make a step; with 0 nothing is retained.
        batch: how many rows go through the subject at once.
        forget_weight: what the term counts; with 0 this is plain training on the benign rows.
        retain_weight: what the mean over the tokens of benign responses counts.
        count: which tokens of a row count.

    One objective serves one training: rows are encoded when it is prepared.
    """

    def __init__(
        self,
        *,
        term: ForgetTerm,
        harmful: int,
        benign: int,
        batch: int,
        forget_weight: float = 1.0,
        retain_weight: float = 1.0,
        count: Counting = count_responses,
    ) -> None:
        self.term, self.count = term, count
        self.harmful, self.benign, self.batch = harmful, benign, batch
        self.forget_weight, self.retain_weight = forget_weight, retain_weight
        self._sampler: BatchSampler | None = None
        self._read = 0

    def prepare(self, subject: Subject, material: Material) -> None:
        """Let the term see the harmful rows under the weights that the training begins from."""
        parts: list[RowSource] = ["harmful", "benign"] if self.benign else ["harmful"]
        self._sampler = BatchSampler(subject, material, parts)
        examples = [one.example for one in self._sampler.all("harmful")]
        chunks = (examples[start : start + self.batch] for start in range(0, len(examples), self.batch))
        counted = (batch for chunk in chunks for batch in self.count(subject, chunk, self.batch))
        self._read = self.term.prepare(subject, examples, counted)

    def backward(self, subject: Subject, material: Material, t: int, seed: int) -> Update:
        """Add the gradient of the term, then that of what is retained."""
        assert self._sampler is not None, "an objective is prepared before its first step"
        harmful = self._sampler.draw("harmful", self.harmful, t, seed)
        benign = self._sampler.draw("benign", self.benign, t, seed) if self.benign else []
        opposed, kept = self._count(subject, harmful), self._count(subject, benign)
        examples = [one.example for one in harmful]
        terms = dict(self.term.descend(subject, examples, opposed, self.forget_weight))
        loss = self.forget_weight * terms["forget_loss"]
        if self.benign:
            terms["retain_loss"] = descend(subject, kept, self.retain_weight) / self.retain_weight
            loss += self.retain_weight * terms["retain_loss"]
        through = [*harmful * self.term.passes, *benign]
        return Update(
            terms={"loss": loss, **terms},
            rows=tuple(one.row for one in (*harmful, *benign)),
            tokens={**tokens([*opposed, *kept], through), ASKED: 0 if t else self._read},
        )

    def _count(self, subject: Subject, drawn: Sequence[TrainRow]) -> list[LossBatch]:
        return self.count(subject, [one.example for one in drawn], self.batch)


class Ascent(ForgetTerm):
    """−ce(harmful responses), the mean over the tokens of a step; unbounded.

    Args:
        clamp: the mean, in nats per token, above which its gradient is left out; None for never.
    """

    def __init__(self, clamp: float | None = None) -> None:
        self.clamp = clamp

    def descend(
        self, subject: Subject, examples: Sequence[Example], counted: Sequence[LossBatch], weight: float
    ) -> Mapping[str, float]:
        """The gradient of the mean is turned round once it is known."""
        mean = descend(subject, counted)
        share = 0.0 if is_above(mean, self.clamp) else 1.0
        gradients.scale(subject, -weight * share)
        return {"forget_loss": -mean, "harmful_loss": mean, "ascent_share": share}


def is_above(mean: float, clamp: float | None) -> bool:
    """Whether a harmful loss is higher than it is to become."""
    return clamp is not None and mean > clamp
