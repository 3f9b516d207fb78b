"""A defense that moves the weights as far as another one, nowhere in particular."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from titer.methods.base import Defense
from titer.training.types import Material, State, Step

if TYPE_CHECKING:
    from titer.models.subject import Subject


class RandomDisplacement(Defense):
    """Gaussian noise on every matrix of the blocks, of which all weights together move by `displacement`.

    The control of a defense that changes the weights: what noise of equal length does, the defense need not have
    learned. Each matrix is given noise in proportion to its root mean square; then all of it is scaled, so that
    ‖θ − θ0‖/‖θ0‖ over all weights is `displacement`, which a study measures of every defense. It is the noise of
    `weight_noise` of the same seed, dosed by the distance instead.

    Source: none. Data: none. Cost: no training; a copy of the weights before, and the noise. Limits: equal length is
    not equal damage, since what a defense learned has a direction and sits in some weights more than in others.
    Scale: embeddings, head, norms and biases are left but count in the length, so that the blocks move by a larger
    share of their own than `displacement`, the more so the larger the vocabulary is beside them.
    """

    name: ClassVar[str] = "random_displacement"
    version: ClassVar[int] = 1
    example: ClassVar[Mapping[str, Any]] = {"displacement": 0.05}

    displacement: float = Field(gt=0)

    @property
    def copies(self) -> int:
        """The weights before, and the noise."""
        return 2

    def steps(self, subject: Subject, material: Material, seed: int, carry: State | None) -> Iterator[Step]:
        """One yield, at dose 1."""
        import torch

        from titer.models.modules import matrices
        from titer.models.noise import noise_like

        before = subject.snapshot()
        noise = {name: noise_like(matrix, name, seed) for name, matrix in matrices(subject.model).items()}
        length = torch.stack([own.square().sum(dtype=torch.float64) for own in noise.values()]).sum().sqrt()
        for name, matrix in matrices(subject.model).items():
            matrix.add_(noise[name], alpha=self.displacement * before.norm / float(length))
        yield Step(dose=1)
