"""The base of defenses that unlearn: harmful responses become unlikely, benign ones stay as likely as they are."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from titer.methods.base import Defense
from titer.methods.requires import Need, Requires, benign_if
from titer.training.recipe import Training
from titer.training.types import Material, State, Step

if TYPE_CHECKING:
    from titer.models.subject import Subject
    from titer.training.objectives.loss_based.forgetting import ForgetTerm
    from titer.training.sft import Counting


class Unlearning(Defense, Training):
    """min over θ of forget_weight · forget(harmful rows) + retain_weight · ce(benign rows).

    A step takes `rows_per_step` harmful rows and as many benign ones, each through the subject once. Responses are
    learned, prompts are not. With retain_weight 0 the benign rows are left out; with forget_weight 0 it is plain
    training on them, the twin that tells what forgetting adds.
    """

    passes: ClassVar[int] = 2
    example: ClassVar[Mapping[str, Any]] = {"train_steps": 4, "lr": 1e-2}

    train_steps: int = Field(ge=1)
    forget_weight: float = Field(default=1.0, ge=0)
    retain_weight: float = Field(default=1.0, ge=0)

    @property
    def requires(self) -> Requires:
        """Harmful rows, whose refusals are not looked at, and benign ones where something is retained."""
        return Requires(rows={Need.HARMFUL: 1, **benign_if(self.retain_weight)})

    @abstractmethod
    def term(self) -> ForgetTerm:
        """What is descended on harmful rows."""

    def count(self) -> Counting:
        """Which tokens of a row count: those of its response, unless it says otherwise."""
        from titer.training.sft import count_responses

        return count_responses

    def steps(self, subject: Subject, material: Material, seed: int, carry: State | None) -> Iterator[Step]:
        """One yield per optimizer step."""
        from titer.training.loop import Recipe, train
        from titer.training.objectives.loss_based.forgetting import Forgetting

        objective = Forgetting(
            term=self.term(),
            harmful=self.rows_per_step,
            benign=self.rows_per_step if self.retain_weight else 0,
            batch=self.batch,
            forget_weight=self.forget_weight,
            retain_weight=self.retain_weight,
            count=self.count(),
        )
        recipe = Recipe(objective=objective, training=self)
        yield from train(subject, material, recipe, steps=self.train_steps, seed=seed, carry=carry)
