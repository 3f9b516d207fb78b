"""Harmful exemplars in the context."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from titer.methods.prompting import Prompting
from titer.methods.requires import Need, Requires
from titer.methods.search_space import Options, Space
from titer.protocol.dose_axes import EXEMPLARS, Axis
from titer.records import Frame


class InContext(Prompting):
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

    template: Literal["native", "plain", "alpaca"] | None = Field(
        default=None, exclude_if=lambda template: template is None
    )

    @property
    def requires(self) -> Requires:
        """Harmful pairs, one more for each dose."""
        return Requires(rows={Need.HARMFUL: 1}, exemplars=1)

    @classmethod
    def space(cls) -> Space:
        """Every template."""
        return {"template": Options(values=("native", "plain", "alpaca"))}

    def frame_at(self, frame: Frame, dose: int) -> Frame:
        """In the template of the attack."""
        return frame if self.template is None else frame.model_copy(update={"template": self.template})
