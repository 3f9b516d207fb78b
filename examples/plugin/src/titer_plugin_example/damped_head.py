"""A defense that is done in one step."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from titer import Defense
from titer.training.types import Material, State, Step

if TYPE_CHECKING:
    from titer.models.subject import Subject


class DampedHead(Defense):
    """The head says everything with less certainty; greedy answers stay as they are. An example, and no protection."""

    name: ClassVar[str] = "damped_head"

    share: float = Field(default=0.9, gt=0, le=1)

    def steps(self, subject: Subject, material: Material, seed: int, carry: State | None) -> Iterator[Step]:
        """One yield."""
        subject.untie()
        subject.model.get_output_embeddings().get_parameter("weight").data.mul_(self.share)
        yield Step(dose=1)
