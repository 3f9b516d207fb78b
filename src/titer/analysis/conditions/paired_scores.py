"""Two subjects on the same items: columns of scores, and how they are compared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from titer.stats.noninferiority import (
    Claim,
    RateComparison,
    ShareComparison,
    compare_losses,
    compare_rates,
    count_changes,
)
from titer.stats.replicates import Items

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
        items: whether all seeds were asked the same items, or each its own.
    """

    name: str
    unit: Measure
    before: tuple[Column, ...]
    after: tuple[Column, ...]
    chance: float | None
    descriptive: bool = False
    items: Items = "shared"


def compare(
    task: Paired, seed: int, claim: Claim, *, margin: float, share: float, level: float
) -> RateComparison | ShareComparison:
    """M* against M on one task and one seed, a missing item against the claim.

    Rates by Tango's exact test; losses by the share of items that get worse by more than the margin.

    Args:
        task: the task, of whose columns one is compared.
        seed: which.
        claim: noninferior or inferior.
        margin: delta.
        share: the largest acceptable share of items whose loss rises by more.
        level: one-sided error level.
    """
    after, before = task.after[seed], task.before[seed]
    if task.unit == "rate":
        right_after, right_before = (
            [None if value is None else value >= 0.5 for value in column] for column in (after, before)
        )
        changes = count_changes(right_after, right_before, claim)
        return compare_rates(changes, margin=margin, level=level, claim=claim)
    found = [None if a is None or b is None else a - b for a, b in zip(after, before, strict=True)]
    return compare_losses(found, margin=margin, share=share, level=level, claim=claim)


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
