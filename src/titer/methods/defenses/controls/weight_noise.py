"""A defense that adds noise to the weights and nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from titer.methods.base import Defense
from titer.training.types import Material, State, Step

if TYPE_CHECKING:
    from titer.models.subject import Subject


class WeightNoise(Defense):
    """W + sigma · rms(W) · N(0, 1) for every matrix W of the blocks: damage that is aimed at nothing.

    A control: what noise resists an attack by, a defense need not have learned. Embeddings, head, norms
    and biases are left. Source: none. Data: none. Cost: none, no training; one matrix of noise at a time. To compare
    with a defense, search sigma, or take `random_displacement`: the same noise, scaled to a share of all weights.

    Scale: sigma is relative to each matrix, so that one value means the same at 1 M as at 135 M parameters. What it
    moves moves by that share of its own length, and all weights together by less, since embeddings rest.
    """

    name: ClassVar[str] = "weight_noise"
    version: ClassVar[int] = 1
    example: ClassVar[Mapping[str, Any]] = {"sigma": 0.1}

    sigma: float = Field(gt=0)

    def steps(self, subject: Subject, material: Material, seed: int, carry: State | None) -> Iterator[Step]:
        """One yield, at dose 1."""
        from titer.models.modules import matrices
        from titer.models.noise import noise_like

        for name, matrix in matrices(subject.model).items():
            matrix.add_(noise_like(matrix, name, seed), alpha=self.sigma)
        yield Step(dose=1)
