"""Harmful rows hidden among benign ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from titer.methods.drawing import drawn
from titer.methods.fine_tuning import FineTuning
from titer.methods.requires import Need, Requires
from titer.methods.search_space import Options, Space
from titer.records import Row
from titer.training.types import Material, Step

if TYPE_CHECKING:
    from titer.models.subject import Subject


class Mixture(FineTuning):
    """`direct` on `size` rows of which a share `poison` is harmful, round(poison · size) of them exactly.

    Threat model: harmful rows get into a fine-tuning set, by design or not, as where a service trains on what its users
    send. Source: Huang et al. 2024, Booster, arXiv 2409.01586 (round(p · n) harmful rows among n = 1000, p = 0.1). All
    rows are drawn and shuffled anew for every seed. The term `harmful_share` is the share of harmful rows in a step.
    """

    name: ClassVar[str] = "mixture"
    version: ClassVar[int] = 1
    family: ClassVar[str] = "poisoned mixtures"
    example: ClassVar[Mapping[str, Any]] = {"poison": 0.5, "size": 8}

    poison: float = Field(default=0.1, ge=0, le=1)
    size: int = Field(default=100, ge=1)

    @classmethod
    def space(cls) -> Space:
        """That of `direct`, and the share of harmful rows."""
        return {**super().space(), "poison": Options(values=(0.05, 0.1, 0.2, 0.3, 0.5, 1.0))}

    @property
    def harmful_rows(self) -> int:
        """How many of the rows are harmful."""
        return round(self.poison * self.size)

    @property
    def requires(self) -> Requires:
        """The harmful and the benign part of the rows."""
        return Requires(rows={Need.HARMFUL: self.harmful_rows, Need.BENIGN: self.size - self.harmful_rows})

    def rows(self, material: Material, seed: int) -> tuple[Row, ...]:
        """The harmful rows first."""
        harmful = drawn(material.train, self.harmful_rows, seed, "mixture")
        return (*harmful, *drawn(material.benign, self.size - self.harmful_rows, seed, "mixture"))

    def steps(self, subject: Subject, material: Material, horizon: int, seed: int) -> Iterator[Step]:
        """One yield per optimizer step."""
        harmful = {row.id for row in self.rows(material, seed)[: self.harmful_rows]}
        for step in super().steps(subject, material, horizon, seed):
            share = sum(row in harmful for row in step.rows) / len(step.rows)
            yield replace(step, terms={**step.terms, "harmful_share": share})
