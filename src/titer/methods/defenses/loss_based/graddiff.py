"""The difference of two losses, as a defense: ascent on harmful rows, descent on benign ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from titer.methods.defenses.unbounded import notice
from titer.methods.defenses.unlearning import Unlearning

if TYPE_CHECKING:
    from titer.training.objectives.loss_based.forgetting import ForgetTerm


class GradDiff(Unlearning):
    """min over θ of −forget_weight · ce(harmful rows) + retain_weight · ce(benign rows), both in nats per token.

    Source: gradient difference of Liu et al. 2022, arXiv 2203.12817, as a baseline of unlearning in Maini et al. 2024
    (TOFU), arXiv 2401.06121; locuslab/open-unlearning at d3d7cf9, src/trainer/unlearn/grad_diff.py (code read). Threat
    model: the attacker fine-tunes the released weights on harmful rows; the sources claim forgetting only.

    Data: harmful rows without refusals, and benign rows. Cost: two passes a row (2.0 times plain fine-tuning), no copy
    of the weights. Full parameters or LoRA. With forget_weight 0 it is plain training on the benign rows, its control;
    `adversarial_loss` is this with refusals in the place of benign rows and weight 0.1. Settings of the code: both
    weights 1, lr 1e-5.

    Known limits: ascent has a gradient of constant size, so the harmful loss rises without bound, above ln V of V
    tokens too, and what the benign rows do not cover is lost with it. `clamp` is ours: the gradient of the
    harmful rows is left out where their loss, in nats per token, is above it. Known breaks: those of `npo`. Scale: on
    the organism (0.94 M parameters) the loss of a guess, ln V or there 7.06 nats, is passed within 40 steps of 16 rows
    at 1e-4; set clamp to ln V of the model. At 135 M it was not tried.
    """

    name: ClassVar[str] = "graddiff"
    version: ClassVar[int] = 1

    clamp: float | None = Field(default=None, gt=0)

    def notices(self, vocabulary: int) -> tuple[str, ...]:
        """Where the harmful loss may rise above that of a guess."""
        return notice(self.name, self.clamp, vocabulary) if self.forget_weight else ()

    def term(self) -> ForgetTerm:
        """Plain ascent."""
        from titer.training.objectives.loss_based.forgetting import Ascent

        return Ascent(self.clamp)
