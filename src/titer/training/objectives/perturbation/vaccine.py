"""Loss on refusals while the outputs of the attention are shifted to where it is highest, or just as far at random."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from titer.models.subject import Subject
from titer.seeds import derive
from titer.training.representations import hidden_states
from titer.training.sft import BatchSampler, LossBatch, RowSource, count_responses, nll_sum, tokens
from titer.training.types import Material, Objective, Update

TINY = 1e-7
"""What the published code adds to the norm that it divides by."""

Shifts = list[list[Tensor]]
"""By batch of a step, and by place within, what is added to an output: (B, T, d)."""


class Perturbed(Objective):
    """ce(aligned rows; e + ε), ε = rho · g/‖g‖, g = ∂ce/∂e, over the outputs e of all attention modules together.

    One norm, over modules, tokens and rows of a step: ‖ε‖ is rho, and the share of a row falls as 1/√rows. The gradient
    takes ε as given.

    Args:
        rows: how many rows of each part make a step.
        batch: rows that go through the subject at once.
        rho: the length of ε.
        perturbation: along the gradient; or drawn, of the same length, at all tokens but padding (a control).
    """

    def __init__(
        self,
        *,
        rows: Mapping[RowSource, int],
        batch: int,
        rho: float,
        perturbation: Literal["gradient", "random"] = "gradient",
    ) -> None:
        self.rows = {part: count for part, count in rows.items() if count}
        self.batch, self.rho, self.perturbation = batch, rho, perturbation
        self._sampler: BatchSampler | None = None

    def places(self, subject: Subject) -> list[nn.Module]:
        """The modules whose outputs are shifted."""
        return hidden_states.attentions(subject)

    def backward(self, subject: Subject, material: Material, t: int, seed: int) -> Update:
        """Add the gradient of the mean under the shifts."""
        if self._sampler is None:
            self._sampler = BatchSampler(subject, material, list(self.rows))
        drawn = [one for part, count in self.rows.items() for one in self._sampler.draw(part, count, t, seed)]
        counted = count_responses(subject, [one.example for one in drawn], self.batch)
        places, terms, passes = self.places(subject), {}, 1
        if self.perturbation == "gradient":
            unshifted, shifts = output_gradients(subject, counted, places)
            terms, passes = {"unshifted_loss": unshifted, "output_gradient_norm": length(shifts)}, 2
        else:
            generator = torch.Generator().manual_seed(derive(seed, "shift", t))
            shifts = [[_noise(subject, one, generator) for _ in places] for one in counted]
        _rescale(shifts, self.rho)
        loss = _descend(subject, counted, places, shifts)
        return Update(
            terms={"loss": loss, **terms},
            rows=tuple(one.row for one in drawn),
            tokens=tokens(counted * passes, drawn * passes),
        )


def output_gradients(
    subject: Subject, counted: Sequence[LossBatch], places: Sequence[nn.Module]
) -> tuple[float, Shifts]:
    """The mean over all targets in nats, and its gradients at the outputs of modules; `.grad` is left alone.

    Args:
        subject: in the mode that it is in.
        counted: the batches of a step.
        places: modules that return one tensor (B, T, d).
    """
    total, loss, found = sum(batch.targets for batch in counted), 0.0, []
    for batch in counted:
        zeros = [hidden_states.no_shift(subject, batch.ids).requires_grad_() for _ in places]
        with hidden_states.shifted(places, zeros):
            part = nll_sum(subject, batch) / total
        found.append(list(torch.autograd.grad(part, zeros)))
        loss += float(part.detach())
    return loss, found


def length(shifts: Shifts) -> float:
    """The Euclidean norm of all shifts together."""
    return math.sqrt(sum(float(own.square().sum(dtype=torch.float64)) for one in shifts for own in one))


def _rescale(shifts: Shifts, rho: float) -> None:
    factor = rho / (length(shifts) + TINY)
    for one in shifts:
        for own in one:
            own.mul_(factor)


def _descend(subject: Subject, counted: Sequence[LossBatch], places: Sequence[nn.Module], shifts: Shifts) -> float:
    """Add the gradient of the mean over all targets under the shifts; that mean, in nats."""
    total, loss = sum(batch.targets for batch in counted), 0.0
    for batch, own in zip(counted, shifts, strict=True):
        with hidden_states.shifted(places, own):
            part = nll_sum(subject, batch) / total
        torch.autograd.backward(part)
        loss += float(part.detach())
    return loss


def _noise(subject: Subject, batch: LossBatch, generator: torch.Generator) -> Tensor:
    """(B, T, d) Gaussian, drawn on the CPU whatever the device; 0 on padding."""
    zeros = hidden_states.no_shift(subject, batch.ids)
    drawn = torch.randn(zeros.shape, generator=generator, dtype=torch.float64).to(zeros)
    return drawn * batch.attention[..., None]
