"""The two things that several checks of a protocol look at."""

from __future__ import annotations

from collections.abc import Collection
from itertools import pairwise

from titer.errors import InputError


def check_increasing(place: str, values: tuple[int, ...] | tuple[float, ...]) -> None:
    """Each value is above the one before it."""
    for lower, upper in pairwise(values):
        if upper <= lower:
            raise InputError(place, f"{upper} comes after {lower}", "Let it increase strictly.")


def need(splits: Collection[str], split: str, place: str, why: str) -> None:
    """A split is there."""
    if split not in splits:
        raise InputError(place, f"there is no split '{split}', but {why}", f"Add its size: {split} = ...")
