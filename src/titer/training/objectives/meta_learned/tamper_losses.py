"""What a tampered subject should still be: undecided about harmful text, unlikely to say it, or inclined to refuse."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor

from titer.models.subject import Subject
from titer.training.representations.reference import Reference
from titer.training.sft import BatchSampler, LossBatch, RowSource, TrainRow, count_responses, log_probs, nll_given
from titer.training.text_targets import count_text
from titer.training.unlikelihood import said_or_not


class TamperLoss(ABC):
    """A loss on rows that the simulated attack did not train on: held out from all of it, or from the step before."""

    parts: tuple[RowSource, ...] = ("harmful",)

    def prepare(self, reference: Reference, held: BatchSampler, batch: int) -> int:
        """Read with the reference what is needed of it; how many tokens that took. As a rule nothing."""
        return 0

    @abstractmethod
    def backward(self, subject: Subject, parts: Sequence[Sequence[TrainRow]], batch: int, weight: float) -> float:
        """Add `weight` times the gradient of the loss to `.grad`; the loss itself, in nats.

        Args:
            subject: the tampered one.
            parts: rows of each of `parts`, in their order.
            batch: how many rows go through the subject at once.
            weight: what the gradient is multiplied by.
        """


class NegativeEntropy(TamperLoss):
    """The mean over tokens of -H(p), p what is said to come next: between -ln V, for a guess among V tokens, and 0.

    Args:
        over_padding: whether the mean goes over padding as well.
    """

    def __init__(self, *, over_padding: bool) -> None:
        self.over_padding = over_padding

    def backward(self, subject: Subject, parts: Sequence[Sequence[TrainRow]], batch: int, weight: float) -> float:
        """Add the gradient, one batch at a time."""
        (rows,) = parts
        batches = count_text(subject, [one.example for one in rows], batch, "whole")
        places = [torch.ones_like(one.attention) if self.over_padding else one.attention for one in batches]
        total, loss = sum(int(own.sum()) for own in places), 0.0
        for one, own in zip(batches, places, strict=True):
            said = subject.logits(one.ids, one.attention, own.bool()).log_softmax(-1)
            part = (said.exp() * said).sum() / total
            torch.autograd.backward(weight * part)
            loss += float(part.detach())
        return loss


SuppressionForm = Literal["inverse", "one_minus_p", "uniform"]


class Suppression(TamperLoss):
    """How far harmful responses are from being unsaid: the mean over their tokens, bounded below by 0.

    "inverse" is -log softmax(-z)_y of logits z and target y, whose gradient is e_y - softmax(-z): it fades only where
    y has the lowest logit of all; "one_minus_p" is -log(1 - p_y) and fades as soon as y is unlikely; "uniform" is the
    divergence KL(u || p) of what is said from a guess u, and 0 there alone.
    """

    def __init__(self, form: SuppressionForm) -> None:
        self.form = form

    def backward(self, subject: Subject, parts: Sequence[Sequence[TrainRow]], batch: int, weight: float) -> float:
        """Add the gradient, one batch at a time."""
        (rows,) = parts
        batches = count_responses(subject, [one.example for one in rows], batch)
        total, loss = sum(one.targets for one in batches), 0.0
        for one in batches:
            part = self._sum(subject, one) / total
            torch.autograd.backward(weight * part)
            loss += float(part.detach())
        return loss

    def _sum(self, subject: Subject, batch: LossBatch) -> Tensor:
        if self.form == "one_minus_p":
            return -said_or_not(subject, batch)[1].sum()
        logits = subject.logits(batch.ids, batch.attention, batch.places)
        if self.form == "inverse":
            return nll_given(-logits, batch)
        said = logits.log_softmax(-1)
        return -(said.mean(-1) + math.log(said.shape[-1])).sum()


class RefusalPreference(TamperLoss):
    """-log sigmoid(beta · h), the mean over pairs, with h how much the refusal gained on the harmful response.

    h = [log p(refusal) - log p0(refusal)] - [log p(harmful) - log p0(harmful)], summed over the tokens of a response,
    p0 the reference. Source: Rafailov et al. 2023, arXiv 2305.18290, equation 7.

    Args:
        beta: how much a nat of h counts.
    """

    parts: tuple[RowSource, ...] = ("refusal", "harmful")

    def __init__(self, *, beta: float) -> None:
        self.beta = beta
        self._reference: dict[str, Tensor] = {}

    def prepare(self, reference: Reference, held: BatchSampler, batch: int) -> int:
        """Read log p0 of every pair."""
        refusals, harmful = held.all("refusal"), held.all("harmful")
        with reference.reading() as frozen:
            for start in range(0, len(harmful), batch):
                pairs = refusals[start : start + batch], harmful[start : start + batch]
                refused, complied = _both(frozen, *pairs)
                self._reference |= {
                    one.row: gap for one, gap in zip(pairs[1], (refused - complied).unbind(), strict=True)
                }
        return sum(len(one.example.ids) for one in (*refusals, *harmful))

    def backward(self, subject: Subject, parts: Sequence[Sequence[TrainRow]], batch: int, weight: float) -> float:
        """Add the gradient, one batch of pairs at a time."""
        refusals, harmful = parts
        loss = 0.0
        for start in range(0, len(harmful), batch):
            pairs = refusals[start : start + batch], harmful[start : start + batch]
            refused, complied = _both(subject, *pairs)
            before = torch.stack([self._reference[one.row] for one in pairs[1]])
            margins = self.beta * (refused - complied - before)
            part = -torch.nn.functional.logsigmoid(margins).sum() / len(harmful)
            torch.autograd.backward(weight * part)
            loss += float(part.detach())
        return loss


def _both(subject: Subject, refusals: Sequence[TrainRow], harmful: Sequence[TrainRow]) -> tuple[Tensor, Tensor]:
    """(B,) log-probabilities of refusals, and of harmful responses, in nats."""
    both = [one.example for one in (*refusals, *harmful)]
    (counted,) = count_responses(subject, both, len(both))
    refused, complied = log_probs(subject, counted).chunk(2)
    return refused, complied
