"""Which hidden states a method works on: 0 is the embeddings, i the output of block i counted from 1, L the last."""

from __future__ import annotations

from collections.abc import Sequence

from titer.errors import InputError
from titer.models import modules
from titer.models.subject import Subject


def depth(subject: Subject) -> int:
    """L, the number of blocks."""
    return len(modules.blocks(subject.model)[1])


def numbered(subject: Subject, layers: Sequence[int], place: str = "layers") -> tuple[int, ...]:
    """Hidden states by their numbers, in order.

    Args:
        subject: whose they are.
        layers: their numbers.
        place: the parameter that names them.

    Raises:
        InputError: if the subject has no hidden state of one of these numbers.
    """
    last = depth(subject)
    for own in layers:
        if not 0 <= own <= last:
            problem = f"there is no hidden state {own} in a subject of {last} blocks"
            raise InputError(place, problem, f"Write numbers from 0, the embeddings, to {last}, or leave it out.")
    return tuple(sorted(set(layers)))


def at(subject: Subject, shares: Sequence[float]) -> tuple[int, ...]:
    """The outputs of the blocks nearest to some shares of the depth."""
    last = depth(subject)
    return tuple(sorted({max(1, round(share * last)) for share in shares}))


def between(subject: Subject, shares: tuple[float, float]) -> tuple[int, ...]:
    """The outputs of all blocks from one share of the depth to another."""
    found = at(subject, shares)
    return tuple(range(found[0], found[-1] + 1))
