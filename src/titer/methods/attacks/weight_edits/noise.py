"""Random noise on the weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from titer.methods.weight_edit import WeightEdit
from titer.protocol.dose_axes import NOISE, Axis
from titer.seeds import derive
from titer.training.types import Material

if TYPE_CHECKING:
    from titer.models.subject import Subject


class Noise(WeightEdit):
    """Gaussian noise on every matrix of the blocks, in proportion to the matrix's root mean square.

    Threat model: the attacker has the weights and nothing else. A dose d adds noise of standard deviation
    d/1000 · rms(W) to each weight of W; with one seed it is the same noise at every dose, scaled. Source: none; a
    perturbation without data or aim, which a defense should not be undone by.
    """

    name: ClassVar[str] = "noise"
    version: ClassVar[int] = 1
    family: ClassVar[str] = "perturbation of the weights"
    axis: ClassVar[Axis] = NOISE

    def edit(self, subject: Subject, material: Material, strength: int, seed: int) -> None:
        """The same noise for every strength, scaled."""
        import torch

        from titer.models.modules import matrices

        for name, matrix in matrices(subject.model).items():
            generator = torch.Generator().manual_seed(derive(seed, "noise", name))
            noise = torch.randn(matrix.shape, generator=generator).to(matrix)
            matrix.add_(noise, alpha=float(matrix.square().mean().sqrt()) * strength / 1000)
