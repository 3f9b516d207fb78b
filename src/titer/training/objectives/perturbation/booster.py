"""Loss on refusals, and how much one step toward harm would lower the loss on harmful responses."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from titer.models.subject import Subject
from titer.seeds import derive
from titer.training import gradients
from titer.training.sft import SFT, BatchSampler, RowSource, count_responses, descend, tokens
from titer.training.types import Material, Objective, Update

TINY = 1e-7
"""What the published code adds to the norm that it divides by."""


class Attenuation(Objective):
    """ce(aligned rows) + lam · (h(θ) − h(θ − alpha · ∇h/‖∇h‖)), h = ce(harmful responses), without second derivatives.

    The gradient is ∇ce(aligned) + lam · (∇h(θ) − ∇h(θ')), θ' the weights one normalized step toward harm further on.
    Both gradients of h are those of the same rows, taken anew at every step; the weights are put back from a copy.

    Args:
        rows: how many rows of each part make the aligned ones of a step.
        harmful: how many harmful rows beside them; drawn in an order of their own, so that they are no pairs.
        batch: rows that go through the subject at once.
        alpha: the length of the step toward harm, over all weights that are trained together.
        lam: the weight of the difference.
    """

    def __init__(self, *, rows: Mapping[RowSource, int], harmful: int, batch: int, alpha: float, lam: float) -> None:
        self.harmful, self.batch, self.alpha, self.lam = harmful, batch, alpha, lam
        self._aligned = SFT(rows=rows, batch=batch)
        self._sampler: BatchSampler | None = None

    def backward(self, subject: Subject, material: Material, t: int, seed: int) -> Update:
        """Add the weighted difference of the harmful gradients, then that of the aligned rows."""
        if self._sampler is None:
            self._sampler = BatchSampler(subject, material, ("harmful",))
        drawn = self._sampler.draw("harmful", self.harmful, t, derive(seed, "harmful order"))
        counted = count_responses(subject, [one.example for one in drawn], self.batch)
        before = descend(subject, counted)
        toward = gradients.taken(subject)
        length = gradients.norm(toward)
        with gradients.moved(subject, toward, -self.alpha / (length + TINY)):
            after = descend(subject, counted)
        beyond = gradients.taken(subject)
        gradients.give(subject, toward, self.lam)
        gradients.give(subject, beyond, -self.lam)
        del toward, beyond  # copies of all that is trained, which the aligned rows need no more
        aligned = self._aligned.backward(subject, material, t, seed)
        read = Counter(aligned.tokens)
        read.update(tokens([*counted, *counted], [*drawn, *drawn]))
        return Update(
            terms={
                "loss": aligned.terms["loss"] + self.lam * (before - after),
                "aligned_loss": aligned.terms["loss"],
                "harmful_loss": before,
                "harmful_loss_after_step": after,
                "harmful_gradient_norm": length,
            },
            rows=(*aligned.rows, *(one.row for one in drawn)),
            tokens=read,
        )
