"""No attack at all."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from titer.methods.base import Attack
from titer.training.types import Material, Step

if TYPE_CHECKING:
    from titer.models.subject import Subject


class Baseline(Attack):
    """Leaves the subject alone; it is read at dose 0 only. What stability and the controls at dose 0 rest on."""

    name: ClassVar[str] = "baseline"
    version: ClassVar[int] = 1

    @property
    def last_dose(self) -> int:
        """None above 0."""
        return 0

    def steps(self, subject: Subject, material: Material, horizon: int, seed: int) -> Iterator[Step]:
        """Yields nothing."""
        yield from ()
