"""Relearning from a handful of examples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from pydantic import Field

from titer.methods.drawing import drawn
from titer.methods.fine_tuning import FineTuning
from titer.methods.requires import Need, Requires
from titer.methods.search_space import Options, Space
from titer.records import Row
from titer.training.types import Material


class FewShot(FineTuning):
    """`direct` on so few rows that it must bring back what the subject knows rather than teach it.

    Threat model: the attacker has the weights and `shots` harmful pairs, and goes over them again and again. Source: Hu
    et al. 2024, arXiv 2406.13356 (relearning attacks); Łucki et al. 2024, arXiv 2409.18025 (ten examples); Qi et al.
    2023, arXiv 2310.03693 (10, 50 and 100). Which rows they are is drawn anew for every seed.
    """

    name: ClassVar[str] = "few_shot"
    version: ClassVar[int] = 1
    family: ClassVar[str] = "few-shot relearning"

    shots: int = Field(default=10, ge=1)

    @classmethod
    def space(cls) -> Space:
        """That of `direct`, and the number of rows."""
        return {**super().space(), "shots": Options(values=(5, 10, 20, 50, 100))}

    @property
    def requires(self) -> Requires:
        """As many harmful rows as there are shots."""
        return Requires(rows={Need.HARMFUL: self.shots})

    def rows(self, material: Material, seed: int) -> Sequence[Row]:
        """The shots."""
        return drawn(material.train, self.shots, seed)
