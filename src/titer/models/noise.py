"""Random noise that is as large as the weights that it is added to."""

from __future__ import annotations

import torch
from torch import Tensor

from titer.seeds import derive


def noise_like(matrix: Tensor, name: str, seed: int) -> Tensor:
    """Gaussian noise of the shape of a matrix, and of its root mean square: for one seed and name ever the same.

    Args:
        matrix: on any device; the noise is drawn on the CPU.
        name: of the matrix in its model.
        seed: of the method that adds it.
    """
    generator = torch.Generator().manual_seed(derive(seed, "noise", name))
    return torch.randn(matrix.shape, generator=generator).to(matrix) * matrix.square().mean().sqrt()
