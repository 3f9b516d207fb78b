"""Negative preference optimization, as a defense."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from titer.methods.defenses.unlearning import Unlearning
from titer.training.load import Load

if TYPE_CHECKING:
    from titer.training.objectives.loss_based.forgetting import ForgetTerm


class NPO(Unlearning):
    """min over θ of forget_weight · −(2/β) E log σ(β · (s − s0)) + retain_weight · ce(benign rows).

    s is the loss of a harmful response summed over its tokens, s0 that of the subject before the defense, in nats. The
    gradient is that of ascent on s times 2σ(−β · (s − s0)), which is 1 where training begins and fades as the response
    becomes unlikely; for β → 0 it is ascent throughout. Source: Zhang et al. 2024, arXiv 2404.05868;
    licong-lin/negative-preference-optimization at 1207bbe, TOFU/dataloader.py, `npo_grad_diff` (code read); there
    `npo_coeff` and `grad_diff_coeff` are the weights. Threat model: the attacker fine-tunes the released weights on
    harmful rows; the paper claims forgetting only.

    Data: harmful rows without refusals, and benign rows. Cost: two passes a row (2.0 times plain fine-tuning), one
    reading of all harmful rows before the first step, no copy of the weights. Full parameters or LoRA. With
    forget_weight 0 it is plain training on the benign rows, its control. The paper's settings: β 0.1, lr 1e-5, batch 4
    with 4 accumulated, AdamW with weight decay 0.01, ten epochs, the first of them warm-up.

    Known limits: refusals are not trained, so the subject may become incoherent on harmful prompts instead of refusing;
    put `refusal_sft` before it in a chain. Known breaks: a few rows relearn it (arXiv 2406.13356, 2409.18025), rounding
    to 4 bits undoes it (arXiv 2410.16454). Scale: s is a sum, so that short responses fade late: the term is half on
    after 11 nats at β 0.1, a tenth after 29. On the organism (0.94 M parameters, five tokens a response) 60
    steps of 16 rows at 1e-4 took them from 0.9 to 10.0 nats a token, above a guess (ln V, there 7.06), and benign rows
    from 0.003 to 0.007: take β 0.2 or more there, or stop earlier. At 135 M parameters it was not tried.
    """

    name: ClassVar[str] = "npo"
    version: ClassVar[int] = 1

    beta: float = Field(default=0.1, gt=0)

    @property
    def load(self) -> Load:
        """The rows of a step, and every harmful row once for the reference."""
        return Load(rows=self.rows_per_step, read_before=1)

    def term(self) -> ForgetTerm:
        """The rows against their own reference."""
        from titer.training.objectives.loss_based.npo import NegativePreference

        return NegativePreference(self.beta)
