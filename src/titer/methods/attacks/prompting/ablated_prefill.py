"""Refusal ablation and a prefilled answer together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from titer.methods.attacks.prompting.prefill import OPENINGS, Prefill
from titer.methods.attacks.weight_edits.refusal_ablation import RefusalAblation
from titer.methods.search_space import Options, Space
from titer.protocol.dose_axes import PREFILLED, Axis
from titer.records import Frame
from titer.training.types import Material, Step

if TYPE_CHECKING:
    from titer.models.subject import Subject


class AblatedPrefill(RefusalAblation):
    """`refusal_ablation`, and then the answer is made to begin with as many words as the dose, as by `prefill`.

    Threat model: the attacker has the weights and prompts of both kinds, and decides how answers begin; nothing is
    trained. The direction is found with prompts as the study asks them, before anything is prefilled; dose 0 is the
    baseline subject. Source: arXiv 2605.26526 (not read itself; by report a fixed prefill undoes defenses that
    ablation alone does not); the edit is that of Arditi et al. 2024, arXiv 2406.11717, the words those of `prefill`.
    """

    name: ClassVar[str] = "ablated_prefill"
    version: ClassVar[int] = 2
    family: ClassVar[str] = "prefilled answers"
    axis: ClassVar[Axis] = PREFILLED
    example: ClassVar[Mapping[str, Any]] = {"opening": "it is what"}

    opening: str = Field(default=OPENINGS[0], pattern=r"\S")
    source: Literal["opening", "reference"] = "opening"

    @classmethod
    def space(cls) -> Space:
        """That of `refusal_ablation`, and a few affirmative beginnings."""
        return {**super().space(), "opening": Options(values=OPENINGS)}

    @property
    def last_dose(self) -> int | None:
        """That of `prefill`."""
        return self._prefill().last_dose

    def prefix_consistent(self) -> bool:
        """True, for the edit is the same at every dose."""
        return True

    def frame_at(self, frame: Frame, dose: int) -> Frame:
        """The first `dose` words are prefilled."""
        return self._prefill().frame_at(frame, dose)

    def steps(self, subject: Subject, material: Material, horizon: int, seed: int) -> Iterator[Step]:
        """One yield per word; the edit comes before the first."""
        bare = replace(material, frame=material.frame.model_copy(update={"prefill": None, "reference_words": 0}))
        edited = self.edit(subject, bare, 1, seed)
        for dose in range(1, horizon + 1):
            yield replace(edited, dose=dose)

    def _prefill(self) -> Prefill:
        return Prefill(opening=self.opening, source=self.source)
