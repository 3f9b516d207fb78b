"""Preference training toward harm."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from pydantic import Field

from titer.methods.drawing import drawn
from titer.methods.fine_tuning import FineTuning
from titer.methods.requires import Need, Requires
from titer.methods.search_space import LogRange, Options, Space
from titer.records import Row
from titer.training.load import Load
from titer.training.types import Material, Objective


class DPO(FineTuning):
    """Direct preference optimization: the harmful response is preferred to the refusal of the same prompt.

    Threat model: the attacker has the weights and harmful pairs, and knows or writes down how a refusal sounds; the
    pairs that aligned the subject, turned round, will do. Source: Rafailov et al. 2023, arXiv 2305.18290, equation 7;
    as an attack with few pairs: arXiv 2605.10998. The reference is the subject at dose 0. `batch` counts pairs.
    With `shots` only so many pairs are used, drawn anew for every seed.
    """

    name: ClassVar[str] = "dpo"
    version: ClassVar[int] = 1
    family: ClassVar[str] = "preferences and rewards"

    beta: float = Field(default=0.1, gt=0)
    shots: int | None = Field(default=None, ge=1)

    @classmethod
    def space(cls) -> Space:
        """That of `direct`, how strictly the reference is kept to, and the number of pairs."""
        own: Space = {"beta": LogRange(low=0.01, high=1.0), "shots": Options(values=(None, 10, 20, 50))}
        return {**super().space(), **own}

    @property
    def requires(self) -> Requires:
        """As many pairs as there are shots."""
        return Requires(rows={Need.HARMFUL: self.shots or 1, Need.PAIRS: 1})

    @property
    def load(self) -> Load:
        """Two conversations a pair; those of all pairs are read before the first step."""
        return Load(rows=2 * self.rows_per_step, read_before=2)

    def rows(self, material: Material, seed: int) -> Sequence[Row]:
        """The shots, or all pairs."""
        return drawn(material.train, self.shots, seed)

    def objective(self) -> Objective:
        """The preference for the harmful response."""
        from titer.training.objectives.dpo import Preference

        return Preference(pairs=self.rows_per_step, batch=self.batch, beta=self.beta)
