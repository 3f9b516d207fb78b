"""Sharpness-aware unlearning: negative preference optimization that holds nearby, too."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal, Self

from pydantic import Field, model_validator

from titer.methods.defenses.unbounded import notice
from titer.methods.defenses.unlearning import Unlearning
from titer.training.load import Load

if TYPE_CHECKING:
    from titer.training.objectives.loss_based.forgetting import ForgetTerm
    from titer.training.sft import Counting


class SAMNPO(Unlearning):
    """min over θ of max over ‖e‖ ≤ rho of f(θ + e) + retain_weight · ce(benign rows), f that of NPO on harmful rows.

    e = rho · ∇f/‖∇f‖, one norm over all weights that are trained: there harmful responses are likelier. The gradient of
    f is taken at θ + e, that of the benign rows at θ, and θ is put back bit for bit. Source: Fan et al. 2025, arXiv
    2502.05374; OPTML-Group/Unlearn-Smooth at fc655ba, WMDP/src/unlearn/base.py, SAMTrainer, and GA.py, NPO_FT_SAM (code
    read), there `gamma` is retain_weight. Threat model: the attacker fine-tunes the released weights on the forgotten
    rows, for 15 to 100 steps at low rates in the source.

    `average` "tokens", as in the code, takes one mean over all tokens of a step for the likelihood: f acts on nats per
    token, so that with beta 0.015 it is plain ascent for all that matters (the factor is 0.91 at 12 nats above the
    reference) and unbounded in practice; `clamp`, ours, leaves its gradient out above so many nats per token. "rows" is
    the NPO of the papers, sums over the tokens of each row, bounded; take the beta of `npo` then. `padding_counts` is
    the code's loss on whole texts filled up to so many tokens (512 there), the prompt and the filling learned and
    forgotten like the rest; None counts responses only. Left aside: the code computes in bfloat16, in which one
    weight in a hundred moves by this rho at 135 M parameters, and takes e off by subtraction; its penalties of the
    gradient's norm have no gradient.

    Data: harmful rows without refusals, and benign rows. Cost: three passes a row pair (3.0 times plain fine-tuning of
    as many harmful rows), one reading of all harmful rows before, one copy of what is trained beside its gradient.
    Full parameters or LoRA, where e moves the adapter. With forget_weight 0 it is plain training on the benign rows,
    its control; rho near 0 is NPO. The code's settings: beta 0.015, retain_weight 2.25, rho 0.01, lr 5e-6, 125 steps,
    batch 4, a tenth of them warm-up. Known breaks: those of `npo` (none read for this one).

    Scale: the same rho is a larger share of a small model: 6e-6 of ‖θ‖ at 7 B parameters, 4e-5 at 135 M, 5e-4 at 1 M
    for weights of rms 0.02. Search rho/‖θ‖. On the organism behind a thin refusal rho 0.3 reaches weights that answer
    every harmful row (0.001 nats a token), where there is hardly a gradient at first; with 0.01 it is like `graddiff`.
    """

    name: ClassVar[str] = "sam_npo"
    version: ClassVar[int] = 1
    passes: ClassVar[int] = 3

    beta: float = Field(default=0.015, gt=0)
    rho: float = Field(default=0.01, gt=0)
    retain_weight: float = Field(default=2.25, ge=0)
    average: Literal["tokens", "rows"] = "tokens"
    padding_counts: int | None = Field(default=None, ge=2)
    clamp: float | None = Field(default=None, gt=0)

    @model_validator(mode="after")
    def _check_clamp(self) -> Self:
        if self.average == "rows" and self.clamp is not None:
            raise ValueError('average "rows" is bounded by itself: leave clamp out, or average over tokens')
        return self

    @property
    def load(self) -> Load:
        """The rows of a step, and every harmful row once for the reference."""
        return Load(rows=self.rows_per_step, read_before=1)

    @property
    def copies(self) -> int:
        """The weights to put back."""
        return 1

    def notices(self, vocabulary: int) -> tuple[str, ...]:
        """Where the harmful loss may rise above that of a guess."""
        unbounded = self.average == "tokens" and self.forget_weight > 0
        return notice(self.name, self.clamp, vocabulary) if unbounded else ()

    def count(self) -> Counting:
        """Responses, or whole texts with their filling."""
        from titer.training.whole_text import count_padded

        return super().count() if self.padding_counts is None else count_padded(self.padding_counts)

    def term(self) -> ForgetTerm:
        """NPO where the weights nearby remember best."""
        from titer.training.objectives.loss_based.npo import NegativePreference
        from titer.training.objectives.perturbation.sam_npo import MeanPreference, SharpnessAware

        rows = self.average == "rows"
        return SharpnessAware(
            NegativePreference(self.beta) if rows else MeanPreference(self.beta, self.clamp), self.rho
        )
