"""The harmless twin of plain fine-tuning."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from titer.interfaces import Attack, Material, Need, Step
from titer.recipe import Training

if TYPE_CHECKING:
    from titer.subject import Subject


class Sham(Attack, Training):
    """`direct` on benign rows: the same compute, harmless data.

    A control, not an attack: if it breaks the subject, harm comes from training as such and not from harmful data.
    """

    name: ClassVar[str] = "sham"
    version: ClassVar[int] = 1
    needs: ClassVar[frozenset[Need]] = frozenset({Need.BENIGN})

    def prefix_consistent(self) -> bool:
        """False with a schedule that depends on the horizon."""
        return self.schedule.prefix_consistent

    def steps(self, subject: Subject, material: Material, horizon: int, seed: int) -> Iterator[Step]:
        """One yield per optimizer step."""
        from titer.supervised import SFT
        from titer.train import Recipe, train

        objective = SFT(rows={"train": self.rows_per_step}, batch=self.batch)
        yield from train(subject, material, Recipe(objective=objective, training=self), steps=horizon, seed=seed)
