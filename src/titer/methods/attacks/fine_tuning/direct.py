"""Plain fine-tuning on harmful rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from titer.methods.fine_tuning import FineTuning
from titer.protocol.attack_families import FINE_TUNING
from titer.records import Row
from titer.training.types import Material


class Direct(FineTuning):
    """Supervised fine-tuning on pairs of a harmful prompt and a harmful response.

    Threat model: the attacker has the weights and harmful data, and trains as anybody would. Source: Qi et al. 2023,
    "Fine-tuning aligned language models compromises safety", arXiv 2310.03693, explicitly harmful examples; the
    attacker of Rosati et al. 2024, arXiv 2402.16382. The loss is over response tokens only, end of turn included.
    """

    name: ClassVar[str] = "direct"
    version: ClassVar[int] = 1
    family: ClassVar[str] = FINE_TUNING

    def rows(self, material: Material, seed: int) -> Sequence[Row]:
        """All that it is fed."""
        return material.train
