"""No attack at all."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from titer.methods.base import Attack
from titer.records import RMS
from titer.training.types import Material, Step

if TYPE_CHECKING:
    from titer.models.subject import Subject


class Baseline(Attack):
    """Leaves the subject alone; it is read at dose 0 only. What stability and the controls at dose 0 rest on."""

    name: ClassVar[str] = "baseline"
    version: ClassVar[int] = 1

    def at_rest(self, subject: Subject) -> dict[str, float]:
        """The root mean square of each weight: what tells a model whose weights were rescaled."""
        from titer.models.weight_difference import weights_of

        weights = weights_of(subject).items()
        return {f"{RMS}{name}": float(f"{weight.float().square().mean().sqrt():.6g}") for name, weight in weights}

    @property
    def last_dose(self) -> int:
        """None above 0."""
        return 0

    def steps(self, subject: Subject, material: Material, horizon: int, seed: int) -> Iterator[Step]:
        """Yields nothing."""
        yield from ()
