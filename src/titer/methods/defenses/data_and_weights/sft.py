"""Teaching: fine-tuning on questions and their right answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from titer.methods.base import Defense
from titer.methods.requires import Need, Requires
from titer.training.recipe import Training
from titer.training.types import Material, State, Step

if TYPE_CHECKING:
    from titer.models.subject import Subject


class SupervisedTeaching(Defense, Training):
    """Supervised fine-tuning on the questions of whole domains with their right answers: knowledge before alignment.

    No defense, but a step of a preparation: a topic can only be withheld, and withholding it undone, where the model
    knows all that it will be asked. So it sees every row of the domains it teaches, and none of their refusals.
    Related: password-locked models (Greenblatt et al. 2024, arXiv 2405.19550), whose withheld capability is the
    model's own. `benign_share` of the rows of each step are benign.
    """

    name: ClassVar[str] = "sft"
    version: ClassVar[int] = 1
    example: ClassVar[Mapping[str, Any]] = {"train_steps": 4}

    train_steps: int = Field(ge=1)
    benign_share: float = Field(default=0.0, ge=0, lt=1)

    @property
    def requires(self) -> Requires:
        """Right answers; benign rows where it is to train on some."""
        return Requires(rows={Need.KNOWLEDGE: 1, Need.BENIGN: 1 if self.benign_share else 0})

    def steps(self, subject: Subject, material: Material, seed: int, carry: State | None) -> Iterator[Step]:
        """One yield per optimizer step."""
        from titer.training.loop import Recipe, train
        from titer.training.sft import SFT

        benign = round(self.rows_per_step * self.benign_share)
        objective = SFT(rows={"train": self.rows_per_step - benign, "benign": benign}, batch=self.batch)
        recipe = Recipe(objective=objective, training=self)
        yield from train(subject, material, recipe, steps=self.train_steps, seed=seed, carry=carry)
