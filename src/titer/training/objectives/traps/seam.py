"""Unlearning coupled with a trap: learning harm and learning what is benign are made to pull apart."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Literal

import torch

from titer.models.randomness import scoped
from titer.models.subject import Subject
from titer.seeds import derive
from titer.training import gradients
from titer.training.gradients import Gradient
from titer.training.objectives.loss_based.adversarial_loss import count_differences
from titer.training.representations.lens import lens_losses, read_at
from titer.training.sft import (
    BatchSampler,
    LossBatch,
    TrainRow,
    check_pairs,
    count_responses,
    descend,
    next_is,
    nll_given,
    tokens,
)
from titer.training.text_targets import TextSpan, count_text
from titer.training.types import Material, Objective, Update

TINY = 1e-8
"""Added to the length of a gradient before it divides, as published code adds it to the product of both."""

Descent = Callable[[], float]
"""Adds the gradient of a loss to `.grad`, where nothing was, and gives the loss."""


class SelfDestruction(Objective):
    """-log(1 + lens) + alpha · ce(refusals) + beta · cos(∇ce(harmful), ∇ce(benign)), losses in nats per token.

    `lens` is the sum over the logits and all L + 1 hidden states of their harmful losses, over L + 1. The gradient of
    the cosine is that of `coupling`.

    Args:
        pairs: harmful rows of a step, each with its refusal.
        benign: benign rows of a step.
        batch: rows that go through the subject at once.
        alpha: weight of the refusals, above 0.
        beta: weight of the cosine; at 0 it is not computed.
        epsilon: how far the weights are moved for it.
        mask: which targets count on the pairs; padding never does.
        benign_text: which tokens of benign rows are targets.
        norms_last_twice: that of `lens_losses`.
    """

    def __init__(
        self,
        *,
        pairs: int,
        benign: int,
        batch: int,
        alpha: float,
        beta: float,
        epsilon: float,
        mask: Literal["paired_difference", "response"],
        benign_text: TextSpan,
        norms_last_twice: bool,
    ) -> None:
        self.pairs, self.benign, self.batch = pairs, benign if beta else 0, batch
        self.alpha, self.beta, self.epsilon = alpha, beta, epsilon
        self.mask, self.benign_text = mask, benign_text
        self.norms_last_twice = norms_last_twice

    def prepare(self, subject: Subject, material: Material) -> None:
        """Encode the rows."""
        self._sampler = BatchSampler(subject, material, ("refusal", "harmful", "benign"))

    def backward(self, subject: Subject, material: Material, t: int, seed: int) -> Update:
        """Add the gradient of the three terms; the weights are moved for the last one, and put back."""
        refusals = self._sampler.draw("refusal", self.pairs, t, seed)
        harmful = self._sampler.draw("harmful", self.pairs, t, seed)
        check_pairs(refusals, harmful)
        benign = self._sampler.draw("benign", self.benign, t, seed) if self.benign else []
        kept, opposed = self._count(subject, refusals, harmful)
        usual = count_text(subject, [one.example for one in benign], self.batch, self.benign_text)
        cosine, apart = 0.0, dict[str, float]()
        coupled: Gradient = {}
        if self.beta:
            descent = partial(_descent, subject, derive(seed, "coupling", t))
            coupled, benign_loss, cosine = coupling(subject, descent(opposed), descent(usual), self.epsilon)
            apart = {"gradient_cosine": cosine, "benign_loss": benign_loss}
        lens, harm = self._unlearn(subject, opposed)
        refusal = descend(subject, kept, self.alpha) / self.alpha
        gradients.give(subject, coupled, self.beta)
        unlearning, passes = -math.log1p(lens), 3 if self.beta else 1
        return Update(
            terms={
                "loss": unlearning + self.alpha * refusal + self.beta * cosine,
                "unlearning_loss": unlearning,
                "refusal_loss": refusal,
                "harmful_loss": harm,
                "harmful_lens_loss": lens,
                **apart,
            },
            rows=tuple(one.row for one in (*refusals, *harmful, *benign)),
            tokens=tokens([*kept, *(passes * opposed), *(2 * usual)], [*refusals, *(passes * harmful), *(2 * benign)]),
        )

    def _count(
        self, subject: Subject, refusals: list[TrainRow], harmful: list[TrainRow]
    ) -> tuple[list[LossBatch], list[LossBatch]]:
        kept, opposed = ([one.example for one in part] for part in (refusals, harmful))
        if self.mask == "response":
            return count_responses(subject, kept, self.batch), count_responses(subject, opposed, self.batch)
        pairs = count_differences(subject, kept, opposed, self.batch)
        return [_unpadded(one) for one, _ in pairs], [_unpadded(other) for _, other in pairs]

    def _unlearn(self, subject: Subject, opposed: Sequence[LossBatch]) -> tuple[float, float]:
        """Add the gradient of -log(1 + lens), one batch at a time; the lens, and the loss by the logits alone."""
        total, lens, harm = sum(batch.targets for batch in opposed), 0.0, 0.0
        for batch in opposed:
            hidden, logits = read_at(subject, batch)
            final, share = nll_given(logits, batch) / total, batch.targets / total
            depths = lens_losses(subject, hidden, batch, norms_last_twice=self.norms_last_twice)
            mean = sum((share * own for own in depths), final) / len(hidden)
            torch.autograd.backward(mean)
            lens, harm = lens + float(mean.detach()), harm + float(final.detach())
        gradients.scale(subject, -1 / (1 + lens))
        return lens, harm


def _unpadded(batch: LossBatch) -> LossBatch:
    """The same without the targets that are padding."""
    real = next_is(batch.attention[:, 1:].bool())
    unseen = batch.parts["padding"] - int((batch.places & ~real).sum())
    parts = {**batch.parts, "padding": 0}
    return LossBatch(batch.ids, batch.attention, batch.places & real, batch.constant - unseen, parts)


def coupling(subject: Subject, harmful: Descent, benign: Descent, epsilon: float) -> tuple[Gradient, float, float]:
    """The gradient of the cosine of two gradients, by finite differences, with the benign loss and the cosine.

    With unit gradients a and b and their cosine c, ∇c is the limit of [g_a(θ + ε(b - c·a)) - g_a(θ)] / (ε‖g_a‖) plus
    the same with the two exchanged: the products of their Hessians with what of one is not along the other. The error
    falls with ε, that of rounding grows with 1/ε.

    Args:
        subject: its weights are moved, and put back bit for bit; its `.grad` is empty before and after.
        harmful: descends the one loss.
        benign: descends the other.
        epsilon: the length that the weights are moved by, at a cosine of 0.
    """
    _, a, length = _unit(subject, harmful)
    benign_loss, b, benign_length = _unit(subject, benign)
    cosine = gradients.inner(a, b)
    with gradients.moved(subject, gradients.combined(b, a, -cosine), epsilon):
        harmful()
        first = _bent(gradients.taken(subject), length, a, epsilon)
    with gradients.moved(subject, gradients.combined(a, b, -cosine), epsilon):
        benign()
        second = _bent(gradients.taken(subject), benign_length, b, epsilon)
    return gradients.combined(first, second, 1.0), benign_loss, cosine


def _unit(subject: Subject, descent: Descent) -> tuple[float, Gradient, float]:
    """A loss, its gradient at length 1, and how long it was."""
    loss = descent()
    gradient = gradients.taken(subject)
    length = gradients.norm(gradient) + TINY
    return loss, {name: own.div_(length) for name, own in gradient.items()}, length


def _bent(gradient: Gradient, length: float, unit: Gradient, epsilon: float) -> Gradient:
    """How a gradient changed over a move, in the lengths of what it was and of the move; made in its place."""
    return {name: own.div_(length).sub_(unit[name]).div_(epsilon) for name, own in gradient.items()}


def _descent(subject: Subject, seed: int, counted: Sequence[LossBatch]) -> Descent:
    """The descent of the mean over all targets; an adapter drops the same of its inputs each time."""

    def descent() -> float:
        with scoped(seed):
            return descend(subject, counted)

    return descent
