"""A state of a model's weights that it can be put back to, bit for bit."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """Copies of what can change: all weights and buffers or, with an adapter on, the adapter's weights.

    `trainable` tells of every parameter whether it takes a gradient, `training` the mode of the model.
    """

    tensors: Mapping[str, Tensor]
    trainable: Mapping[str, bool]
    training: bool
    adapted: bool

    @cached_property
    def norm(self) -> float:
        """‖θ0‖ over all weights."""
        return math.sqrt(sum(squared_norm(self.tensors[name]) for name in self.trainable))


def squared_norm(tensor: Tensor) -> float:
    """The squared Euclidean norm, summed in float64."""
    return float(torch.linalg.vector_norm(tensor, dtype=torch.float64)) ** 2
