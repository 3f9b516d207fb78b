"""No defense."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from titer.methods.base import Defense
from titer.training.types import Material, State, Step

if TYPE_CHECKING:
    from titer.models.subject import Subject


class NoDefense(Defense):
    """The subject as it is: no node is made for it, M* is M."""

    name: ClassVar[str] = "none"
    version: ClassVar[int] = 1

    def steps(self, subject: Subject, material: Material, seed: int, carry: State | None) -> Iterator[Step]:
        """Yields nothing."""
        yield from ()
