"""Plain fine-tuning on harmful rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from titer.interfaces import Attack, Material, Need, Step
from titer.recipe import Training

if TYPE_CHECKING:
    from titer.subject import Subject


class Direct(Attack, Training):
    """Supervised fine-tuning on pairs of a harmful prompt and a harmful response.

    Threat model: the attacker has the weights and harmful data, and trains as anybody would. Source: Qi et al. 2023,
    "Fine-tuning aligned language models compromises safety", arXiv 2310.03693, explicitly harmful examples; the
    attacker of Rosati et al. 2024, arXiv 2402.16382. The loss is over response tokens only, end of turn included.
    """

    name: ClassVar[str] = "direct"
    version: ClassVar[int] = 1
    needs: ClassVar[frozenset[Need]] = frozenset({Need.HARMFUL})

    def prefix_consistent(self) -> bool:
        """False with a schedule that depends on the horizon."""
        return self.schedule.prefix_consistent

    def steps(self, subject: Subject, material: Material, horizon: int, seed: int) -> Iterator[Step]:
        """One yield per optimizer step."""
        from titer.supervised import SFT
        from titer.train import Recipe, train

        objective = SFT(rows={"train": self.rows_per_step}, batch=self.batch)
        yield from train(subject, material, Recipe(objective=objective, training=self), steps=horizon, seed=seed)
