"""Two subjects on the same items: columns of scores, and how they are compared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from titer.stats.noninferiority import (
    FEWEST_LOSSES,
    Claim,
    MeanComparison,
    RateComparison,
    compare_crossed,
    compare_means,
    compare_rates,
    count_changes,
)

Measure = Literal["rate", "nats per token"]
Column = tuple[float | None, ...]


@dataclass(frozen=True, kw_only=True)
class Paired:
    """One task as both subjects answered it: a column of items per seed, higher is better.

    Attributes:
        name: the task's name in the report.
        unit: what the values are; losses are negated.
        before: the columns of M.
        after: the columns of M*, one for a claim about a checkpoint, one per defense seed for a method.
        chance: the rate by guessing; None for losses.
        descriptive: whether it is shown without deciding anything.
    """

    name: str
    unit: Measure
    before: tuple[Column, ...]
    after: tuple[Column, ...]
    chance: float | None
    descriptive: bool = False


def compare(task: Paired, margin: float, level: float, claim: Claim) -> RateComparison | MeanComparison | None:
    """M* against M on one task, a missing item against the claim; None where it cannot be compared.

    One column: Tango's exact test of rates, a paired t of losses. Several: the crossed t over seeds and items.
    A loss has no worst value, so that a missing one leaves the task open.
    """
    if not task.after or len(task.before) != len(task.after):
        return None
    if task.unit == "rate" and len(task.after) == 1:
        after, before = ([None if v is None else v >= 0.5 for v in side[0]] for side in (task.after, task.before))
        return compare_rates(count_changes(after, before, claim), margin=margin, level=level, claim=claim)
    rows = differences(task, claim)
    if rows is None or len(rows[0]) < (FEWEST_LOSSES if task.unit != "rate" else 2):
        return None
    if len(rows) == 1:
        return compare_means(rows[0], margin=margin, level=level, claim=claim)
    return compare_crossed(rows, margin=margin, level=level, claim=claim)


def differences(task: Paired, claim: Claim) -> list[list[float]] | None:
    """M* minus M at each seed and item, missing ones against the claim; None where a loss is missing."""
    sides = [*task.after, *task.before]
    if task.unit != "rate" and any(value is None for column in sides for value in column):
        return None
    worst, best = (0.0, 1.0) if claim == "noninferior" else (1.0, 0.0)
    return [
        [(worst if a is None else a) - (best if b is None else b) for a, b in zip(after, before, strict=True)]
        for after, before in zip(task.after, task.before, strict=True)
    ]
