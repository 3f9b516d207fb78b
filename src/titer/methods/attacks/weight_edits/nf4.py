"""NormalFloat: the 4 bits in which large models are loaded on small machines."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from pydantic import Field

from titer.methods.weight_edit import WeightEdit
from titer.protocol.dose_axes import EDITS, Axis
from titer.training.types import Material

if TYPE_CHECKING:
    from torch import Tensor

    from titer.models.subject import Subject

LEVELS: Final = (
    -1.0,
    -0.6961928009986877,
    -0.5250730514526367,
    -0.39491748809814453,
    -0.28444138169288635,
    -0.18477343022823334,
    -0.09105003625154495,
    0.0,
    0.07958029955625534,
    0.16093020141124725,
    0.24611230194568634,
    0.33791524171829224,
    0.44070982933044434,
    0.5626170039176941,
    0.7229568362236023,
    1.0,
)
"""Quantiles of a normal distribution, scaled to [-1, 1], with 0 among them: 7 below and 8 above it (appendix E)."""


class NF4(WeightEdit):
    """Every matrix of the blocks is rounded to 4-bit NormalFloat and back.

    Threat model: whoever loads the model in 4 bits, with no intent at all; rounding can bring back what a defense only
    moved by little. `block` weights that follow each other in a matrix share a scale, the largest of them in absolute
    value; each weight over its scale goes to the nearest of 16 levels. Embeddings and head stay as they are. Source:
    Dettmers et al. 2023 (QLoRA), arXiv 2305.14314, section 3; the scales are not rounded in turn (no double
    quantization). That 4 bits restore what unlearning removed: Zhang et al. 2024, arXiv 2410.16454.
    """

    name: ClassVar[str] = "nf4"
    version: ClassVar[int] = 1
    family: ClassVar[str] = "perturbation of the weights"
    axis: ClassVar[Axis] = EDITS

    block: int = Field(default=64, ge=2)

    @property
    def last_dose(self) -> int:
        """One edit: rounding twice is rounding once."""
        return 1

    def edit(self, subject: Subject, material: Material, strength: int, seed: int) -> None:
        """There and back."""
        from titer.models.modules import matrices

        for matrix in matrices(subject.model).values():
            matrix.copy_(rounded(matrix, self.block))


def rounded(matrix: Tensor, block: int) -> Tensor:
    """The matrix with each weight at the nearest of the 16 levels times the scale of its block."""
    import torch

    levels = torch.tensor(LEVELS, dtype=torch.float32, device=matrix.device)
    parts = []
    for part in matrix.float().flatten().split(block):
        scale = part.abs().max().clamp_min(1e-30)
        parts.append(levels[torch.bucketize(part / scale, (levels[1:] + levels[:-1]) / 2)] * scale)
    return torch.cat(parts).view(matrix.shape).to(matrix)
