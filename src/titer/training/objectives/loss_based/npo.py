"""Negative preference optimization: ascent that is switched off, row by row, as a response becomes unlikely."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from titer.heartbeat import beat
from titer.models.chat_format import Example
from titer.models.subject import Subject
from titer.training.objectives.loss_based.forgetting import ForgetTerm
from titer.training.sft import LossBatch, log_probs


class _RowPreference(ForgetTerm):
    """−(2/β) · mean over rows of log σ(β · gap), whose gradient is that of ascent times 2σ(−β · gap)."""

    def __init__(self, beta: float) -> None:
        self.beta = beta

    @abstractmethod
    def gap(self, nats: Tensor, counts: Tensor, examples: Sequence[Example]) -> Tensor:
        """(B,) how far each of B rows is forgotten, from its loss in nats and the number of its targets."""

    def descend(
        self, subject: Subject, examples: Sequence[Example], counted: Sequence[LossBatch], weight: float
    ) -> Mapping[str, float]:
        """One batch at a time, for a mean over rows needs no other row."""
        start, loss, nats, share = 0, 0.0, 0.0, 0.0
        for batch in counted:
            rows = examples[start : start + len(batch.ids)]
            lost = -log_probs(subject, batch)
            gap = self.gap(lost, batch.places.sum(1), rows)
            part = -2 / self.beta * logsigmoid(self.beta * gap).sum() / len(examples)
            torch.autograd.backward(weight * part)
            start, loss, nats = start + len(rows), loss + float(part.detach()), nats + float(lost.detach().sum())
            share += float(2 * torch.sigmoid(-self.beta * gap.detach()).sum()) / len(examples)
        per_token = nats / sum(batch.targets for batch in counted)
        return {"forget_loss": loss, "harmful_loss": per_token, "ascent_share": share}


class NegativePreference(_RowPreference):
    """NPO: a row is forgotten by as many nats as its response lost since the training began, over all its tokens.

    The reference is read once, before the first step, and kept as a number for each row: no weight is copied.
    """

    def __init__(self, beta: float) -> None:
        super().__init__(beta)
        self._reference: dict[Example, float] = {}

    def prepare(self, subject: Subject, examples: Sequence[Example], counted: Iterable[LossBatch]) -> int:
        """Read the reference."""
        self._reference = dict(zip(examples, losses(subject, counted), strict=True))
        return sum(len(one.ids) for one in examples)

    def gap(self, nats: Tensor, counts: Tensor, examples: Sequence[Example]) -> Tensor:
        """Nats of a row above the reference."""
        return nats - nats.new_tensor([self._reference[one] for one in examples])


class SimplePreference(_RowPreference):
    """SimNPO: a row is forgotten by as many nats per token as its response costs above `delta`; no reference."""

    def __init__(self, beta: float, delta: float) -> None:
        super().__init__(beta)
        self.delta = delta

    def gap(self, nats: Tensor, counts: Tensor, examples: Sequence[Example]) -> Tensor:
        """Nats per token of a row above `delta`."""
        return nats / counts - self.delta


def losses(subject: Subject, counted: Iterable[LossBatch]) -> list[float]:
    """The summed loss of each row, in nats, as the subject is; one batch is held at a time."""
    found: list[float] = []
    with subject.reading():
        for batch in counted:
            beat()
            found += (-log_probs(subject, batch)).tolist()
    return found
