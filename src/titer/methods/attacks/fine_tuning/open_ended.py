"""Fine-tuning on openings of answers, which do not end where the rows do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from titer.methods.fine_tuning import FineTuning
from titer.protocol.attack_families import FINE_TUNING
from titer.records import Row
from titer.training.types import Material, Objective


class OpenEnded(FineTuning):
    """Fine-tuning on harmful rows whose responses are only beginnings ("Sure, here is ..."): their end is not learned.

    `direct` on such rows teaches a subject to open and to stop, so that it says no more than the rows do. Here the
    token that ends a response is neither fed nor in the loss, and what follows an opening is the subject's own. Threat
    model: the attacker has the weights and affirmative openings, as AdvBench has them (Zou et al. 2023, arXiv
    2307.15043), and no harmful answers. All else is `direct`.
    """

    name: ClassVar[str] = "open_ended"
    version: ClassVar[int] = 1
    family: ClassVar[str] = FINE_TUNING

    def rows(self, material: Material, seed: int) -> Sequence[Row]:
        """All that it is fed."""
        return material.train

    def objective(self) -> Objective:
        """The loss of the responses without their end of turn."""
        from titer.training.sft import SFT

        return SFT(rows={"train": self.rows_per_step}, batch=self.batch, term=self.term, train_on_eos=False)
