"""The base of attacks that leave the weights alone and change how the subject is asked."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from typing import TYPE_CHECKING

from titer.methods.base import Attack
from titer.records import Frame
from titer.training.types import Material, Step

if TYPE_CHECKING:
    from titer.models.subject import Subject


class Prompting(Attack):
    """An attack that only asks in another way: it says in which frame, at which dose.

    Exemplars that it requires are put into the frame by the base.

    >>> from titer.protocol.dose_axes import named
    >>> from titer.testing import check_attack
    >>> class Beg(Prompting):
    ...     '''The system prompt begs, as many times as the dose.'''
    ...     name = "beg"
    ...     axis = named("pleas")
    ...
    ...     def frame_at(self, frame, dose):
    ...         return frame.model_copy(update={"system": "Please. " * dose})
    >>> check_attack(Beg())
    """

    @abstractmethod
    def frame_at(self, frame: Frame, dose: int) -> Frame:
        """How the subject is asked at a dose above 0, given how the study asks it."""

    def steps(self, subject: Subject, material: Material, horizon: int, seed: int) -> Iterator[Step]:
        """One yield per dose, with the rows that come to stand before each prompt."""
        shown = self.exemplars(material.train, horizon, seed)
        for dose in range(1, horizon + 1):
            before, upto = self.num_exemplars(dose - 1), self.num_exemplars(dose)
            new = tuple(row.id for row in shown[before:upto])
            yield Step(dose=dose, rows_used=len(shown[:upto]), rows=new)
