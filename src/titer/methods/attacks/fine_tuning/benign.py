"""Fine-tuning that means no harm."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from titer.methods.fine_tuning import FineTuning
from titer.methods.requires import Need, Requires
from titer.records import Row
from titer.training.types import Material


class Benign(FineTuning):
    """`direct` on benign rows only; harm is read afterwards as ever.

    Threat model: a user fine-tunes on harmless data, with no intent at all, or an attacker does where harmful rows are
    filtered out. Source: Qi et al. 2023, arXiv 2310.03693, benign fine-tuning (Alpaca and Dolly, rate 2e-5, batch 128,
    one epoch). The loss is called `benign_loss`: the subject may know these rows already, so it need not fall. It
    differs from the control `sham` in its rows, those of the `attack` split, and in that it counts for the verdict.
    """

    name: ClassVar[str] = "benign"
    version: ClassVar[int] = 1
    family: ClassVar[str] = "benign fine-tuning"
    term: ClassVar[str] = "benign_loss"

    @property
    def requires(self) -> Requires:
        """Benign rows, and no others."""
        return Requires(rows={Need.BENIGN: 1})

    def rows(self, material: Material, seed: int) -> Sequence[Row]:
        """All benign rows."""
        return material.benign
