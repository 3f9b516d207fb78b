"""The defense's own objective with its sign turned."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from titer.methods.attacks.fine_tuning.direct import Direct
from titer.methods.requires import Need, Requires
from titer.methods.search_space import LogRange, Options, Space
from titer.training.types import Objective


class Reversal(Direct):
    """min over θ of ce(harmful) − weight · ce(refusal), on pairs that share their prompt.

    Threat model: the attacker has the weights, harmful data with refusals, and knows that the defense lowered the loss
    on refusals (`refusal_sft`) and raised that on harmful responses (`adversarial_loss`): it does the opposite of both.
    A step has `batch` · `accumulation` rows, each with its refusal, of which the share `benign_share` is benign instead
    and learned as it is. Where the loss on refusals, in nats per token, is above `clamp`, its gradient is left out,
    since it is unbounded. With weight 0 and no benign rows this is `direct`, its rows in another order.

    Source: that an attacker who knows the objective is the one to withstand, arXiv 2605.14605 (known by
    report, not read itself); the objective is that of Rosati et al. 2024, arXiv 2402.16382, with its two parts
    exchanged, which is ours.
    """

    name: ClassVar[str] = "reversal"
    version: ClassVar[int] = 1
    family: ClassVar[str] = "adaptive to the defense"
    passes: ClassVar[int] = 2
    defeats: ClassVar[tuple[str, ...]] = ("adversarial_loss", "refusal_sft")

    weight: float = Field(default=0.1, ge=0)
    clamp: float | None = Field(default=10.0, gt=0)
    benign_share: float = Field(default=0.0, ge=0, lt=1)

    @classmethod
    def space(cls) -> Space:
        """That of `direct`, and how hard refusals are unlearned beside how much that is harmless."""
        benign = Options(values=(0.0, 0.25, 0.5))
        return {**super().space(), "weight": LogRange(low=0.01, high=1.0), "benign_share": benign}

    @property
    def benign_rows(self) -> int:
        """The benign rows of a step."""
        return round(self.rows_per_step * self.benign_share)

    @property
    def requires(self) -> Requires:
        """One pair; a benign row where any are wanted."""
        return Requires(rows={Need.HARMFUL: 1, Need.PAIRS: 1, Need.BENIGN: min(self.benign_rows, 1)})

    def objective(self) -> Objective:
        """The harmful response is learned, the refusal unlearned."""
        from titer.training.objectives.loss_based.adversarial_loss import Contrast

        return Contrast(
            pairs=self.rows_per_step - self.benign_rows,
            benign=self.benign_rows,
            batch=self.batch,
            weight=self.weight,
            mask="response",
            clamp=self.clamp,
            reverse=True,
        )
