"""Harmful rows hidden among benign ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from titer.methods.attacks.fine_tuning.direct import Direct
from titer.methods.base import Need
from titer.methods.search_space import Options, Space
from titer.records import Row
from titer.seeds import derive
from titer.training.types import Material, Step

if TYPE_CHECKING:
    from titer.models.subject import Subject


class Mixture(Direct):
    """`direct` on `size` rows of which a share `poison` is harmful, round(poison · size) of them exactly.

    Threat model: harmful rows get into a fine-tuning set, by design or not, as where a service trains on what its users
    send. Source: Huang et al. 2024, Booster, arXiv 2409.01586 (round(p · n) harmful rows among n = 1000, p = 0.1). All
    rows are drawn and shuffled anew for every seed. The term `harmful_share` is the share of harmful rows in a step.
    """

    name: ClassVar[str] = "mixture"
    version: ClassVar[int] = 1
    family: ClassVar[str] = "poisoned mixtures"
    needs: ClassVar[frozenset[Need]] = frozenset({Need.HARMFUL, Need.BENIGN})

    poison: float = Field(default=0.1, ge=0, le=1)
    size: int = Field(default=100, ge=1)

    @classmethod
    def space(cls) -> Space:
        """That of `direct`, and the share of harmful rows."""
        return {**super().space(), "poison": Options(values=(0.05, 0.1, 0.2, 0.3, 0.5, 1.0))}

    def rows(self) -> Mapping[Need, int]:
        """The harmful and the benign part of the rows."""
        harmful = round(self.poison * self.size)
        return {Need.HARMFUL: harmful, Need.BENIGN: self.size - harmful}

    def mixed(self, material: Material, seed: int) -> tuple[Row, ...]:
        """The rows that are trained on, harmful ones first; each epoch shuffles them."""
        wanted = self.rows()
        harmful = _drawn(material.train, wanted[Need.HARMFUL], seed)
        return (*harmful, *_drawn(material.benign, wanted[Need.BENIGN], seed))

    def steps(self, subject: Subject, material: Material, horizon: int, seed: int) -> Iterator[Step]:
        """One yield per optimizer step."""
        rows = self.mixed(material, seed)
        harmful = {row.id for row in rows[: self.rows()[Need.HARMFUL]]}
        for step in super().steps(subject, replace(material, train=rows), horizon, seed):
            share = sum(row in harmful for row in step.rows) / len(step.rows)
            yield replace(step, terms={**step.terms, "harmful_share": share})


def _drawn(rows: Sequence[Row], count: int, seed: int) -> tuple[Row, ...]:
    return tuple(sorted(rows, key=lambda row: derive(seed, "mixture", row.id))[:count])
