"""The base of attacks that train: which rows, and which objective; the training itself is `titer.training.loop`."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from titer.methods.base import Attack
from titer.methods.requires import Need, Requires
from titer.methods.search_space import LogRange, Options, Space
from titer.records import Frame, Row
from titer.training.recipe import Training
from titer.training.types import Material, Objective, Step

if TYPE_CHECKING:
    from titer.models.subject import Subject


class FineTuning(Attack, Training):
    """An attack that trains the subject: it says on which `rows`, and, beyond plain learning, by which `objective`.

    What all fine-tuning shares are its parameters. `term` is what the loss is called among the terms of a step.

    Attributes:
        template: of attacks: what the model is trained and then asked in; none for the template of the study.

    >>> from titer.testing import check_attack
    >>> class Shortest(FineTuning):
    ...     '''Fine-tuning on the five harmful rows with the shortest answers.'''
    ...     name = "shortest"
    ...
    ...     def rows(self, material, seed):
    ...         return sorted(material.train, key=lambda row: len(row.response))[:5]
    >>> check_attack(Shortest(lr=1e-3))
    """

    trains: ClassVar[bool] = True
    term: ClassVar[str] = "loss"

    template: Literal["native", "plain", "alpaca"] | None = Field(
        default=None, exclude_if=lambda template: template is None
    )

    @property
    def requires(self) -> Requires:
        """Harmful rows."""
        return Requires(rows={Need.HARMFUL: 1})

    @classmethod
    def space(cls) -> Space:
        """Full parameters and LoRA, as TamperBench searches them (arXiv 2602.06911)."""
        ranks = (8, 16, 32, 64)
        adapters = tuple({"kind": "lora", "rank": rank, "alpha": 2 * rank} for rank in ranks)
        return {
            "lr": LogRange(low=1e-6, high=1e-3),
            "batch": Options(values=(4, 8, 16, 32, 64)),
            "trainable": Options(values=("full", *adapters)),
            "schedule": Options(values=("constant", "cosine")),
            "template": Options(values=("native", "plain", "alpaca")),
        }

    def check(self, subject: Subject, horizon: int) -> None:
        """The modules to train must be found."""
        self.trainable.check(subject)

    def frame_at(self, frame: Frame, dose: int) -> Frame:
        """In the template of the attack."""
        return frame if self.template is None else frame.model_copy(update={"template": self.template})

    def prefix_consistent(self) -> bool:
        """False with a schedule that depends on the horizon."""
        return self.schedule.prefix_consistent

    @abstractmethod
    def rows(self, material: Material, seed: int) -> Sequence[Row]:
        """The rows to train on, of those that it is fed; each epoch shuffles them."""

    def objective(self) -> Objective:
        """What each step descends: the loss of the responses, end of turn included, unless it says otherwise.

        The rows are given to it as the material's `train` and, for objectives on pairs with refusals, as `harmful`.
        """
        from titer.training.sft import SFT

        return SFT(rows={"train": self.rows_per_step}, batch=self.batch, term=self.term)

    def steps(self, subject: Subject, material: Material, horizon: int, seed: int) -> Iterator[Step]:
        """One yield per optimizer step."""
        from titer.training.loop import Recipe, train

        rows = tuple(self.rows(material, seed))
        fed = replace(material, train=rows, harmful=rows)
        recipe = Recipe(objective=self.objective(), training=self)
        yield from train(subject, fed, recipe, steps=horizon, seed=seed)
