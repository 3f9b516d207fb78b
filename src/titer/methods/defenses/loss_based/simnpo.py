"""Negative preference optimization without a reference, as a defense."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from titer.methods.defenses.unlearning import Unlearning

if TYPE_CHECKING:
    from titer.training.objectives.loss_based.forgetting import ForgetTerm


class SimNPO(Unlearning):
    """min over θ of forget_weight · −(2/β) E log σ(β · (s/n − delta)) + retain_weight · ce(benign rows).

    s/n is the loss of a harmful response in nats per token. The gradient is that of ascent on the mean over rows of
    s/n, times 2σ(−β · (s/n − delta)) for each row: a row is switched off by its own loss, not by how far it is from
    where it began. Source: Fan et al. 2024, arXiv 2410.07163; locuslab/open-unlearning at d3d7cf9,
    src/trainer/unlearn/simnpo.py (code read), whose settings of the loss are the defaults; OPTML-Group/Unlearn-Simple
    at a7782fc, TOFU/dataloader.py, calls delta gamma and forget_weight npo_coeff. The code divides by labels before
    they are shifted, which is the same for responses. Threat model: the attacker fine-tunes the released weights on
    harmful rows; the paper claims that relearning is slower than after NPO.

    Data: harmful rows without refusals, and benign rows. Cost: two passes a row (2.0 times plain fine-tuning), no
    reference, no copy of the weights. Full parameters or LoRA. With forget_weight 0 it is plain training on the benign
    rows, its control. The settings of open-unlearning: β 4.5, delta 0, forget_weight 0.125, lr 1e-5; of the paper's
    TOFU runs β 2.5 and 0.1375, of its WMDP runs β 0.1.

    Known limits: with the defaults a row that begins above 1.5 nats per token is switched off from the start (the
    factor is 0.19 at 0.5 nats, 0.022 at 1, 0.0002 at 2), and most harmful responses of an aligned model do: then this
    is training on benign rows. Look at `ascent_share` of the first step; set delta one nat above the loss there, or β
    to 0.5 or less. It fades from delta + 3/β on, far below a guess among all tokens. Known breaks: those of `npo`.
    Scale: the loss where it begins decides, not the size. On the organism behind a thin refusal (1.0 nats, a factor of
    0.04) 60 steps of 16 rows at 1e-4 ended at 2.0 nats a token with the defaults and at 3.5 with delta 2.
    """

    name: ClassVar[str] = "simnpo"
    version: ClassVar[int] = 1
    example: ClassVar[Mapping[str, Any]] = {"train_steps": 4, "lr": 1e-2, "delta": 6.0}

    beta: float = Field(default=4.5, gt=0)
    delta: float = Field(default=0.0, ge=0)
    forget_weight: float = Field(default=0.125, ge=0)

    def term(self) -> ForgetTerm:
        """The rows against a loss that is given."""
        from titer.training.objectives.loss_based.npo import SimplePreference

        return SimplePreference(self.beta, self.delta)
