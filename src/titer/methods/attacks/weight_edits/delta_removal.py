"""Taking the defense out again, where the subject before it is public."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from titer.methods.base import Attack, Need
from titer.methods.search_space import Options, Space
from titer.protocol.dose_axes import REMOVED, Axis
from titer.records import Spent
from titer.training.types import Material, Step

if TYPE_CHECKING:
    from titer.models.subject import Subject


class DeltaRemoval(Attack):
    """The difference between the defended subject and the subject before it is taken off: θ ← θ* − d/100 · (θ* − θ).

    Threat model: the attacker has the released weights and those of their public parent, no data and no training. With
    a `rank` the difference of every matrix is first cut to its best approximation of that rank, as for a defense that
    was an adapter; biases and norms are taken off whole. At 100 percent without a rank the parent is back: then a claim
    is about what the parent cannot do, or about a parent that is not public. Above 100 the weights go beyond it. A
    subject that no defense has changed has nothing to take off and is read at dose 0 only.

    Source: task vectors and their negation, Ilharco et al. 2022, arXiv 2212.04089, equation 2 in the direction of the
    defense; that published defended models can be undone so is practice (methods.md 3.15).
    """

    name: ClassVar[str] = "delta_removal"
    version: ClassVar[int] = 1
    family: ClassVar[str] = "merging and delta removal"
    axis: ClassVar[Axis] = REMOVED
    needs: ClassVar[frozenset[Need]] = frozenset({Need.PARENT})
    needs_parent: ClassVar[bool] = True

    rank: int | None = Field(default=None, ge=1)

    @classmethod
    def space(cls) -> Space:
        """All of the difference, and a few ranks of it."""
        return {"rank": Options(values=(None, 1, 4, 16, 64))}

    def prefix_consistent(self) -> bool:
        """Each dose is made from the baseline weights."""
        return False

    def steps(self, subject: Subject, material: Material, horizon: int, seed: int) -> Iterator[Step]:
        """Yields once."""
        from titer.models.weight_difference import add_difference, weights_of

        if material.parent is None:
            return
        parent = material.parent()
        if not parent.tied:
            subject.untie()
        add_difference(subject, weights_of(subject), weights_of(parent), -horizon / 100, self.rank)
        yield Step(dose=horizon, spent=Spent(), terms={}, loss_tokens={}, rows_used=0)
