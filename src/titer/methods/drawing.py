"""Drawing rows from a seed: every seed of a study sees others."""

from __future__ import annotations

from collections.abc import Sequence

from titer.records import Row
from titer.seeds import derive


def drawn(rows: Sequence[Row], count: int | None, seed: int, label: str = "shots") -> tuple[Row, ...]:
    """The first `count` rows of an order that the seed draws: with one seed fewer rows are always among more.

    Args:
        rows: those to choose from, all of different ids.
        count: how many are wanted; None for all.
        seed: the seed that the method was given.
        label: what the draw is for; two draws of one method need two labels.
    """
    return tuple(sorted(rows, key=lambda row: derive(seed, label, row.id))[:count])
