"""Fine-tuning that means no harm."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from titer.methods.attacks.fine_tuning.direct import Direct
from titer.methods.base import Need
from titer.training.types import Material, Step

if TYPE_CHECKING:
    from titer.models.subject import Subject


class Benign(Direct):
    """`direct` on benign rows only; harm is read afterwards as ever.

    Threat model: a user fine-tunes on harmless data, with no intent at all, or an attacker does where harmful rows are
    filtered out. Source: Qi et al. 2023, arXiv 2310.03693, benign fine-tuning (Alpaca and Dolly, rate 2e-5, batch 128,
    one epoch). The loss is called `benign_loss`: the subject may know these rows already, so it need not fall. It
    differs from the control `sham` in its rows, those of the `attack` split, and in that it counts for the verdict.
    """

    name: ClassVar[str] = "benign"
    version: ClassVar[int] = 1
    family: ClassVar[str] = "benign fine-tuning"
    needs: ClassVar[frozenset[Need]] = frozenset({Need.BENIGN})

    def steps(self, subject: Subject, material: Material, horizon: int, seed: int) -> Iterator[Step]:
        """One yield per optimizer step."""
        from titer.training.loop import Recipe, train
        from titer.training.sft import SFT

        objective = SFT(rows={"train": self.rows_per_step}, batch=self.batch, term="benign_loss")
        recipe = Recipe(objective=objective, training=self)
        yield from train(subject, replace(material, train=material.benign), recipe, steps=horizon, seed=seed)
