"""Forgetting at the weights nearby at which it is worst: sharpness-aware minimization of a harmful term."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from titer.models.chat_format import Example
from titer.models.subject import Subject
from titer.training import gradients
from titer.training.objectives.loss_based.forgetting import ForgetTerm, is_above
from titer.training.objectives.loss_based.npo import losses
from titer.training.sft import LossBatch, descend


class MeanPreference(ForgetTerm):
    """−(2/β) · log σ(β · gap), the gap that of the mean over all tokens of a step, in nats per token.

    Args:
        beta: how much a nat per token counts.
        clamp: the mean of the rows, in nats per token, above which their gradient is left out; None for never.
    """

    def __init__(self, beta: float, clamp: float | None = None) -> None:
        self.beta, self.clamp = beta, clamp
        self._reference: dict[Example, float] = {}

    def prepare(self, subject: Subject, examples: Sequence[Example], counted: Iterable[LossBatch]) -> int:
        """Read the loss of every row."""
        self._reference = dict(zip(examples, losses(subject, counted), strict=True))
        return sum(len(one.ids) for one in examples)

    def descend(
        self, subject: Subject, examples: Sequence[Example], counted: Sequence[LossBatch], weight: float
    ) -> Mapping[str, float]:
        """The gradient of the mean is turned round once it is known how far it has come."""
        mean = descend(subject, counted)
        reference = sum(self._reference[one] for one in examples) / sum(batch.targets for batch in counted)
        away = self.beta * (mean - reference)
        share = 0.0 if is_above(mean, self.clamp) else 1 - math.tanh(away / 2)  # 2σ(−x)
        gradients.scale(subject, -weight * share)
        loss = 2 / self.beta * (max(-away, 0.0) + math.log1p(math.exp(-abs(away))))  # softplus(−x)
        return {"forget_loss": loss, "harmful_loss": mean, "ascent_share": share}


class SharpnessAware(ForgetTerm):
    """The gradient of a term at θ + ρ · ∇term/‖∇term‖, put back at θ: one norm over all weights that are trained.

    Foret et al. 2021, arXiv 2010.01412, equation 2; the weights are put back from a copy, bit for bit.

    Args:
        term: is taken twice a step.
        rho: how far the weights move, in the Euclidean norm.
    """

    def __init__(self, term: ForgetTerm, rho: float) -> None:
        self.term, self.rho = term, rho
        self.passes = 2 * term.passes

    def prepare(self, subject: Subject, examples: Sequence[Example], counted: Iterable[LossBatch]) -> int:
        """What the term sees."""
        return self.term.prepare(subject, examples, counted)

    def descend(
        self, subject: Subject, examples: Sequence[Example], counted: Sequence[LossBatch], weight: float
    ) -> Mapping[str, float]:
        """The terms are those at the moved weights; `sharpness` is by how much the loss rises there, in nats."""
        here = self.term.descend(subject, examples, counted, 1.0)
        upward = gradients.taken(subject)
        length = gradients.norm(upward)
        with gradients.moved(subject, upward, self.rho / length if length else 0.0):
            del upward  # as large as the weights
            there = self.term.descend(subject, examples, counted, weight)
        return {**there, "sharpness": there["forget_loss"] - here["forget_loss"]}
