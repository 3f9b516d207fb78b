"""Relearning from a handful of examples."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from titer.methods.attacks.fine_tuning.direct import Direct
from titer.methods.base import Need
from titer.methods.search_space import Options, Space
from titer.seeds import derive
from titer.training.types import Material, Step

if TYPE_CHECKING:
    from titer.models.subject import Subject


class FewShot(Direct):
    """`direct` on so few rows that it must bring back what the subject knows rather than teach it.

    Threat model: the attacker has the weights and `shots` harmful pairs, and goes over them again and again. Source: Hu
    et al. 2024, arXiv 2406.13356 (relearning attacks); Łucki et al. 2024, arXiv 2409.18025 (ten examples); Qi et al.
    2023, arXiv 2310.03693 (10, 50 and 100). Which rows they are is drawn anew for every seed.
    """

    name: ClassVar[str] = "few_shot"
    version: ClassVar[int] = 1
    family: ClassVar[str] = "few-shot relearning"
    needs: ClassVar[frozenset[Need]] = frozenset({Need.HARMFUL})

    shots: int = Field(default=10, ge=1)

    @classmethod
    def space(cls) -> Space:
        """That of `direct`, and the number of rows."""
        return {**super().space(), "shots": Options(values=(5, 10, 20, 50, 100))}

    def rows(self) -> Mapping[Need, int]:
        """As many harmful rows as there are shots."""
        return {Need.HARMFUL: self.shots}

    def steps(self, subject: Subject, material: Material, horizon: int, seed: int) -> Iterator[Step]:
        """One yield per optimizer step."""
        drawn = sorted(material.train, key=lambda row: derive(seed, "shots", row.id))
        yield from super().steps(subject, replace(material, train=tuple(drawn[: self.shots])), horizon, seed)
