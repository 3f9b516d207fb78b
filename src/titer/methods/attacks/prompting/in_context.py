"""Harmful exemplars in the context."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from titer.methods.base import Attack, Need
from titer.methods.search_space import Options, Space
from titer.protocol.dose_axes import EXEMPLARS, Axis
from titer.records import Frame, Spent
from titer.training.types import Material, Step

if TYPE_CHECKING:
    from titer.models.subject import Subject


class InContext(Attack):
    """Before each prompt stand as many harmful pairs as the dose, as if the subject had answered them.

    Threat model: whoever runs the model writes the conversation so far; nothing of the weights changes. Source: Wei et
    al. 2023, arXiv 2310.06387 (in-context attack); with many pairs Anil et al. 2024, "Many-shot jailbreaking". The
    pairs are rows of the attack split, drawn anew for every seed; a larger dose adds to those of a smaller one. In the
    native template they are earlier turns, in `plain` and `alpaca` whole examples one after another, each with its end
    token. `template` is what the subject is asked in, None for the template of the study.
    """

    name: ClassVar[str] = "in_context"
    version: ClassVar[int] = 1
    family: ClassVar[str] = "exemplars in context"
    axis: ClassVar[Axis] = EXEMPLARS
    needs: ClassVar[frozenset[Need]] = frozenset({Need.HARMFUL})

    template: Literal["native", "plain", "alpaca"] | None = Field(
        default=None, exclude_if=lambda template: template is None
    )

    @classmethod
    def space(cls) -> Space:
        """Every template."""
        return {"template": Options(values=("native", "plain", "alpaca"))}

    def frame_at(self, frame: Frame, dose: int) -> Frame:
        """In the template of the attack."""
        return frame if self.template is None else frame.model_copy(update={"template": self.template})

    def num_exemplars(self, dose: int) -> int:
        """As many as the dose."""
        return dose

    def steps(self, subject: Subject, material: Material, horizon: int, seed: int) -> Iterator[Step]:
        """One yield per exemplar."""
        for dose, row in enumerate(self.exemplars(material.train, horizon, seed), start=1):
            yield Step(dose=dose, spent=Spent(), terms={}, loss_tokens={}, rows_used=dose, rows=(row.id,))
