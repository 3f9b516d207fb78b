"""Quantization: rounding the weights to few bits."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from titer.methods.search_space import Options, Space
from titer.methods.weight_edit import WeightEdit
from titer.protocol.dose_axes import EDITS, Axis
from titer.training.types import Material

if TYPE_CHECKING:
    from torch import Tensor

    from titer.models.subject import Subject


class Quantize(WeightEdit):
    """Every matrix of the blocks is rounded to `bits` bits and back.

    Threat model: whoever runs the model at low precision, with no intent at all; rounding can bring back what a defense
    only moved by little. Symmetric rounding to nearest: `group` weights that follow each other in the input of one
    output (None: all of them) share a scale s = max|w| / (2^(bits − 1) − 1), and no weight moves by more than s/2.
    Embeddings and head stay as they are, as usual. Source: Zhang et al. 2024, arXiv 2410.16454 (4 bits restore what
    unlearning removed); the scheme is that of the round-to-nearest baseline of Frantar et al. 2022, arXiv 2210.17323.
    """

    name: ClassVar[str] = "quantize"
    version: ClassVar[int] = 1
    family: ClassVar[str] = "perturbation of the weights"
    axis: ClassVar[Axis] = EDITS

    bits: Literal[4, 8] = 4
    group: int | None = Field(default=None, ge=2)

    @classmethod
    def space(cls) -> Space:
        """Both precisions, coarse and fine groups."""
        return {"bits": Options(values=(4, 8)), "group": Options(values=(None, 32, 128))}

    @property
    def last_dose(self) -> int:
        """One edit: rounding twice is rounding once."""
        return 1

    def edit(self, subject: Subject, material: Material, strength: int, seed: int) -> None:
        """There and back."""
        from titer.models.modules import matrices

        for matrix in matrices(subject.model).values():
            for part in matrix.split(self.group or matrix.shape[1], dim=1):
                part.copy_(rounded(part, self.bits))


def rounded(rows: Tensor, bits: int) -> Tensor:
    """Each of the rows (n, k) to the nearest multiple of its own scale, of which there are 2^bits − 1."""
    scale = rows.abs().amax(dim=1, keepdim=True) / (2 ** (bits - 1) - 1)
    nearest: Tensor = (rows / scale.clamp_min(1e-30)).round() * scale
    return nearest
