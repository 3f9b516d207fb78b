"""What the weights of one subject have over those of another, put on a subject or taken off it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from titer.errors import InputError
from titer.models.lora import merged_state

if TYPE_CHECKING:
    from titer.models.subject import Subject

Weights = Mapping[str, Tensor]
"""All weights by name, that of a tied head too."""


def weights_of(subject: Subject) -> Weights:
    """The live weights of a subject, an adapter merged into copies."""
    return merged_state(subject.model)


def check_same_shape(defended: Subject, parent: Subject) -> None:
    """Check that two subjects have the same weights but for their values.

    Raises:
        InputError: naming the first weight that only one of them has, or that differs in shape.
    """
    one, other = ({name: tuple(w.shape) for name, w in weights_of(s).items()} for s in (defended, parent))
    for name in sorted(one.keys() | other.keys()):
        if one.get(name) != other.get(name):
            problem = f"its {name} is {one.get(name) or 'missing'}, and that of the subject before it is"
            remedy = "Leave this attack out, or name as subject.model the model that it was made from."
            raise InputError("defense", f"{problem} {other.get(name) or 'missing'}", remedy)


def add_difference(subject: Subject, one: Weights, other: Weights, factor: float, rank: int | None = None) -> None:
    """θ ← θ + factor · (one − other), each weight by its name, computed in float64.

    Args:
        subject: is changed in place; `one` may be its own live weights.
        one: has every weight of the subject.
        other: so does this.
        factor: what the difference is multiplied by.
        rank: the difference of each matrix is replaced by its best approximation of that rank (Eckart and Young 1936);
            vectors are taken whole.
    """
    with torch.no_grad():
        for name, weight in subject.model.named_parameters():
            delta = one[name].cpu().double() - other[name].cpu().double()
            if rank is not None and delta.dim() > 1:
                delta = _of_rank(delta, rank)
            weight.copy_(weight.cpu().double() + factor * delta)


def _of_rank(matrix: Tensor, rank: int) -> Tensor:
    left, values, right = torch.linalg.svd(matrix, full_matrices=False)
    nearest: Tensor = (left[:, :rank] * values[:rank]) @ right[:rank]
    return nearest
