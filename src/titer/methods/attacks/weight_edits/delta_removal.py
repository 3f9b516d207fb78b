"""Taking the defense out again, where the subject before it is public."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from titer.methods.requires import Requires
from titer.methods.search_space import Options, Space
from titer.methods.weight_edit import WeightEdit
from titer.protocol.dose_axes import REMOVED, Axis
from titer.training.types import Material

if TYPE_CHECKING:
    from titer.models.subject import Subject


class DeltaRemoval(WeightEdit):
    """The difference between the defended subject and the subject before it is taken off: θ ← θ* − d/100 · (θ* − θ).

    Threat model: the attacker has the released weights and those of their public parent, no data and no training. With
    a `rank` the difference of every matrix is first cut to its best approximation of that rank, as for a defense that
    was an adapter; biases and norms are taken off whole. At 100 percent without a rank the parent is back: then a claim
    is about what the parent cannot do, or about a parent that is not public. Above 100 the weights go beyond it. A
    subject that no defense has changed has nothing to take off and is read at dose 0 only.

    Source: task vectors and their negation, Ilharco et al. 2022, arXiv 2212.04089, equation 2 in the direction of the
    defense; that published defended models can be undone so is practice.
    """

    name: ClassVar[str] = "delta_removal"
    version: ClassVar[int] = 1
    family: ClassVar[str] = "merging and delta removal"
    axis: ClassVar[Axis] = REMOVED

    rank: int | None = Field(default=None, ge=1)

    @property
    def requires(self) -> Requires:
        """The subject before the defense."""
        return Requires(parent="needed")

    @classmethod
    def space(cls) -> Space:
        """All of the difference, and a few ranks of it."""
        return {"rank": Options(values=(None, 1, 4, 16, 64))}

    def check(self, subject: Subject, horizon: int) -> None:
        """Any weights will do."""

    def edit(self, subject: Subject, material: Material, strength: int, seed: int) -> None:
        """The difference is taken off."""
        from titer.models.weight_difference import add_difference, weights_of

        assert material.parent is not None, "it needs the parent"
        parent = material.parent()
        if not parent.tied:
            subject.untie()
        add_difference(subject, weights_of(subject), weights_of(parent), -strength / 100, self.rank)
