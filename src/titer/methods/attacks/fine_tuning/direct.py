"""Plain fine-tuning on harmful rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from titer.methods.base import Attack, Need
from titer.methods.search_space import LogRange, Options, Space
from titer.protocol.attack_families import FINE_TUNING
from titer.records import Frame
from titer.training.recipe import Training
from titer.training.types import Material, Step

if TYPE_CHECKING:
    from titer.models.subject import Subject


class Direct(Attack, Training):
    """Supervised fine-tuning on pairs of a harmful prompt and a harmful response.

    Threat model: the attacker has the weights and harmful data, and trains as anybody would. Source: Qi et al. 2023,
    "Fine-tuning aligned language models compromises safety", arXiv 2310.03693, explicitly harmful examples; the
    attacker of Rosati et al. 2024, arXiv 2402.16382. The loss is over response tokens only, end of turn included.
    `template` is what the subject is trained and then asked in, None for the template of the study.
    """

    name: ClassVar[str] = "direct"
    version: ClassVar[int] = 1
    family: ClassVar[str] = FINE_TUNING
    needs: ClassVar[frozenset[Need]] = frozenset({Need.HARMFUL})

    template: Literal["native", "plain", "alpaca"] | None = Field(
        default=None, exclude_if=lambda template: template is None
    )

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

    def check(self, subject: Subject) -> None:
        """The modules to train must be found."""
        self.trainable.check(subject)

    def frame_at(self, frame: Frame, dose: int) -> Frame:
        """In the template of the attack."""
        return frame if self.template is None else frame.model_copy(update={"template": self.template})

    def prefix_consistent(self) -> bool:
        """False with a schedule that depends on the horizon."""
        return self.schedule.prefix_consistent

    def steps(self, subject: Subject, material: Material, horizon: int, seed: int) -> Iterator[Step]:
        """One yield per optimizer step."""
        from titer.training.loop import Recipe, train
        from titer.training.sft import SFT

        objective = SFT(rows={"train": self.rows_per_step}, batch=self.batch)
        yield from train(subject, material, Recipe(objective=objective, training=self), steps=horizon, seed=seed)
