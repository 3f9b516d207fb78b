"""Ascent on harmful rows and nothing beside it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from titer.methods.base import Defense
from titer.methods.defenses.unbounded import notice
from titer.methods.requires import Need, Requires
from titer.training.recipe import Training
from titer.training.types import Material, State, Step

if TYPE_CHECKING:
    from titer.models.subject import Subject


class GradientAscent(Defense, Training):
    """max over θ of ce(harmful rows), in nats per token: a control that wrecks the model.

    What it resists an attack by is damage: a defense must be told from it by stability and trainability.
    Source: `max_harmful_loss` of the package of Rosati et al. 2024, arXiv 2402.16382, and GradAscent of
    locuslab/open-unlearning at d3d7cf9, src/trainer/unlearn/grad_ascent.py (code read).

    Data: harmful rows without refusals. Cost: one pass a row, as plain fine-tuning. Full parameters or LoRA. Nothing
    stops it; `clamp` is ours: above so many nats per token the gradient is left out, and the optimizer goes on by its
    momentum alone. It has no twin: with its one term off nothing is trained, which is `no_op`. Scale: on the organism
    (0.94 M parameters) 40 steps of 16 rows at 1e-4 raised harmful rows above a guess (ln V, there 7.06), from 0.9 to
    8.0 nats a token, and benign ones from 0.003 to 3.3. At 135 M it was not tried.
    """

    name: ClassVar[str] = "gradient_ascent"
    version: ClassVar[int] = 1
    example: ClassVar[Mapping[str, Any]] = {"train_steps": 4, "lr": 1e-2}

    train_steps: int = Field(ge=1)
    clamp: float | None = Field(default=None, gt=0)

    @property
    def requires(self) -> Requires:
        """Harmful rows, whose refusals are not looked at."""
        return Requires(rows={Need.HARMFUL: 1})

    def notices(self, vocabulary: int) -> tuple[str, ...]:
        """Where the harmful loss may rise above that of a guess."""
        return notice(self.name, self.clamp, vocabulary)

    def steps(self, subject: Subject, material: Material, seed: int, carry: State | None) -> Iterator[Step]:
        """One yield per optimizer step."""
        from titer.training.loop import Recipe, train
        from titer.training.objectives.loss_based.forgetting import Ascent, Forgetting

        objective = Forgetting(term=Ascent(self.clamp), harmful=self.rows_per_step, benign=0, batch=self.batch)
        recipe = Recipe(objective=objective, training=self)
        yield from train(subject, material, recipe, steps=self.train_steps, seed=seed, carry=carry)
