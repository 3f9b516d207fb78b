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
Shape = tuple[int, ...] | str
"""The shape of a weight, or that it is missing."""


def weights_of(subject: Subject) -> Weights:
    """The live weights of a subject, an adapter merged into copies."""
    return merged_state(subject.model)


def check_same_shape(defended: Subject, parent: Subject) -> None:
    """Check that two subjects have the same weights but for their values.

    Raises:
        InputError: naming the first weight that only one of them has, or that differs in shape.
    """
    if (unlike := _unlike(defended, parent)) is not None:
        name, own, other = unlike
        problem = f"its {name} is {own}, and that of the subject before it is {other}"
        remedy = "Leave this attack out, or name as subject.model the model that it was made from."
        raise InputError("defense", problem, remedy)


def check_same_kind(subject: Subject, parent: Subject) -> None:
    """Check that a subject can have been trained from another one: weights of the same shapes, and the same tokens.

    Raises:
        InputError: naming the first weight, or the first token, in which they differ.
    """
    remedy = "Name as base the model that the subject was aligned from."
    if (unlike := _unlike(subject, parent)) is not None:
        name, own, other = unlike
        raise InputError("base", f"its {name} is {other}, and that of the subject is {own}", remedy)
    vocabularies = subject.tokenizer.get_vocab(), parent.tokenizer.get_vocab()
    if different := sorted(dict(vocabularies[0].items() ^ vocabularies[1].items())):
        numbers = [vocabulary.get(different[0], "no number") for vocabulary in vocabularies]
        problem = f"its tokenizer has {numbers[1]} for {different[0]!r}, and that of the subject {numbers[0]}"
        raise InputError("base", problem, remedy)


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


def _unlike(one: Subject, other: Subject) -> tuple[str, Shape, Shape] | None:
    """The first weight by name that only one of two subjects has, or that differs in shape, with both shapes."""
    shapes = [{name: tuple(weight.shape) for name, weight in weights_of(own).items()} for own in (one, other)]
    for name in sorted(shapes[0].keys() | shapes[1].keys()):
        own, others = (known.get(name, "missing") for known in shapes)
        if own != others:
            return name, own, others
    return None


def _of_rank(matrix: Tensor, rank: int) -> Tensor:
    left, values, right = torch.linalg.svd(matrix, full_matrices=False)
    nearest: Tensor = (left[:, :rank] * values[:rank]) @ right[:rank]
    return nearest
