"""A defense that changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from titer.methods.base import Defense
from titer.training.types import Material, State, Step

if TYPE_CHECKING:
    from titer.models.subject import Subject


class NoOp(Defense):
    """Changes no weight, and is made, saved and loaded like any other defense.

    A control of the harness: whatever differs between M and this M* differs by itself.
    """

    name: ClassVar[str] = "no_op"
    version: ClassVar[int] = 1

    def steps(self, subject: Subject, material: Material, seed: int, carry: State | None) -> Iterator[Step]:
        """One yield, at dose 0."""
        yield Step(dose=0)
