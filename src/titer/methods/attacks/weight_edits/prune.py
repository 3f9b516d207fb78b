"""Magnitude pruning."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from titer.methods.weight_edit import WeightEdit
from titer.protocol.dose_axes import PRUNED, Axis
from titer.training.types import Material

if TYPE_CHECKING:
    from titer.models.subject import Subject


class Prune(WeightEdit):
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

    @property
    def last_dose(self) -> int:
        """Below 100 percent."""
        return 99

    def edit(self, subject: Subject, material: Material, strength: int, seed: int) -> None:
        """The smallest weights become zero."""
        import torch

        from titer.models.modules import matrices

        for matrix in matrices(subject.model).values():
            order = torch.argsort(matrix.abs().flatten(), stable=True)
            kept = torch.ones(matrix.numel(), dtype=torch.bool, device=matrix.device)
            kept[order[: round(strength / 100 * matrix.numel())]] = False
            matrix.mul_(kept.view(matrix.shape))
