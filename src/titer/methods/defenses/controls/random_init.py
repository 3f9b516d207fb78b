"""A model of the same architecture that has learned nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from titer.methods.base import Defense
from titer.seeds import derive
from titer.training.types import Material, State, Step

if TYPE_CHECKING:
    from titer.models.subject import Subject


class RandomInit(Defense):
    """Every weight is drawn anew, as the model's own code initializes its configuration.

    The control of all damage (the row "random" of Rosati et al. 2024, arXiv 2405.14577): no defense that
    keeps a model useful can cost an attacker more than teaching one from nothing, and one that comes near this may have
    wrecked the model. It says nothing harmful, and nothing else. Data: none. Cost: none, no training; a copy of the
    weights for a moment. Scale: the same at 1 M as at 135 M parameters, but a budget of steps teaches a small model
    more from nothing.
    """

    name: ClassVar[str] = "random_init"
    version: ClassVar[int] = 1

    @property
    def copies(self) -> int:
        """The weights that are drawn."""
        return 1

    def steps(self, subject: Subject, material: Material, seed: int, carry: State | None) -> Iterator[Step]:
        """One yield, at dose 1."""
        from titer.models.initialization import initialize

        initialize(subject, derive(seed, "initialization"))
        yield Step(dose=1)
