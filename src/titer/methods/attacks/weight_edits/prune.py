"""Magnitude pruning."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, ClassVar

from titer.methods.base import Attack
from titer.protocol.dose_axes import PRUNED, Axis
from titer.records import Spent
from titer.training.types import Material, Step

if TYPE_CHECKING:
    from titer.models.subject import Subject


class Prune(Attack):
    """The smallest weights of every matrix of the blocks are set to zero.

    Threat model: the attacker has the weights and nothing else; a compression that anybody may apply can undo a
    safeguard. A dose of d percent zeroes round(d/100 · n) of the n weights of each matrix, the smallest in absolute
    value, the first ones where they are equal. Source: Han et al. 2015, arXiv 1506.02626, without retraining; that
    safety rests on few weights: Wei et al. 2024, arXiv 2402.05162.
    """

    name: ClassVar[str] = "prune"
    version: ClassVar[int] = 1
    family: ClassVar[str] = "perturbation of the weights"
    axis: ClassVar[Axis] = PRUNED

    def doses(self, ladder: Sequence[int]) -> tuple[int, ...]:
        """Below 100 percent."""
        return tuple(dose for dose in ladder if 0 < dose < 100)

    def check(self, subject: Subject) -> None:
        """The matrices of the blocks must be found."""
        from titer.models.modules import matrices

        matrices(subject.model)

    def prefix_consistent(self) -> bool:
        """Each dose is made from the baseline weights."""
        return False

    def steps(self, subject: Subject, material: Material, horizon: int, seed: int) -> Iterator[Step]:
        """Yields once."""
        import torch

        from titer.models.modules import matrices

        for matrix in matrices(subject.model).values():
            order = torch.argsort(matrix.abs().flatten(), stable=True)
            kept = torch.ones(matrix.numel(), dtype=torch.bool, device=matrix.device)
            kept[order[: round(horizon / 100 * matrix.numel())]] = False
            matrix.mul_(kept.view(matrix.shape))
        yield Step(dose=horizon, spent=Spent(), terms={}, loss_tokens={}, rows_used=0)
