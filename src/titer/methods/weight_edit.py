"""The base of attacks that edit the weights at once, by a strength, without a training whose steps are doses."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from titer.methods.base import Attack
from titer.training.types import Material, Step

if TYPE_CHECKING:
    from titer.models.subject import Subject


class WeightEdit(Attack):
    """An attack that changes the weights in one go: it says how, at which strength; the dose is the strength.

    Every dose begins with the weights of dose 0. One that needs the parent does nothing to a subject without one.

    >>> from titer.models.modules import matrices
    >>> from titer.protocol.dose_axes import named
    >>> from titer.testing import check_attack
    >>> class Shrink(WeightEdit):
    ...     '''Every matrix of the blocks becomes shorter.'''
    ...     name = "shrink"
    ...     axis = named("shrunk")
    ...
    ...     def edit(self, subject, material, strength, seed):
    ...         for matrix in matrices(subject.model).values():
    ...             matrix.div_(1 + strength / 100)
    >>> check_attack(Shrink())
    """

    def prefix_consistent(self) -> bool:
        """False, for each dose is an edit of its own; but where there is one dose only there is nothing to share."""
        return self.last_dose == 1

    def check(self, subject: Subject, horizon: int) -> None:
        """The matrices of the blocks must be found, unless the edit is of something else."""
        from titer.models.modules import matrices

        matrices(subject.model)

    @abstractmethod
    def edit(self, subject: Subject, material: Material, strength: int, seed: int) -> Step | None:
        """Change the weights of `subject`, which are those of dose 0.

        Args:
            subject: is changed in place.
            material: the rows that it requires, in the attack's frame.
            strength: the dose, above 0.
            seed: draws whatever is random.

        Returns:
            What it cost and what is to be told of it, its dose set by the caller; None where there is nothing to tell.
        """

    def steps(self, subject: Subject, material: Material, horizon: int, seed: int) -> Iterator[Step]:
        """Yields once."""
        if self.requires.parent == "needed" and material.parent is None:
            return
        done = self.edit(subject, material, horizon, seed)
        yield Step(dose=horizon) if done is None else replace(done, dose=horizon)
