"""The least favorable laws of stability of a checkpoint and of trainability.

Stability of a checkpoint errs as its test does: its size is the largest over the laws of gains and losses at the
margin. Trainability errs at the seed level alone. Stability of a method is in least_favourable_method.
"""

from __future__ import annotations

from functools import cache, partial
from itertools import product

import numpy as np
from scipy import optimize

from benchmarks.calibration.deciding_tasks import shown_table
from benchmarks.calibration.least_favourable import (
    TANGO_SLACK,
    Least,
    Outcome,
    few_hold_not,
    most_fail,
    search,
)
from benchmarks.calibration.least_favourable_exposure import CLAIMS, claim, named
from benchmarks.calibration.setting import ALPHA, FloatArray
from titer.stats.binomial import at_most, broken_cutoff, intact_cutoff
from titer.stats.tango import outcome_chances

CHECKPOINT = (
    (40, 0.02),
    (40, 0.05),
    (70, 0.05),
    (100, 0.02),
    (100, 0.05),
    (200, 0.05),
    (300, 0.02),
    (300, 0.05),
    (300, 0.1),
    (600, 0.05),
)
MARGIN = 0.05
SHARE_WORSE = 0.1
FLOOR, FLOORS = 0.5, 3
_LAWS = 400
OUTCOMES: tuple[Outcome, Outcome] = ("upheld", "refuted")


def shown_chance(items: int, margin: float, level: float, gain: FloatArray, loss: FloatArray) -> FloatArray:
    """The chance that D > -margin is shown at each law of gains and losses; a negative margin: that D < margin is."""
    outcomes = np.argwhere(shown_table(margin, level, items))
    if not len(outcomes):
        return np.zeros(np.shape(gain))
    return np.concatenate(
        [
            outcome_chances(outcomes, items, g, c).sum(axis=1)
            for g, c in zip(*(np.array_split(side, max(1, len(side) // 50)) for side in (gain, loss)), strict=True)
        ]
    )


@cache
def size(items: int, margin: float, level: float) -> tuple[float, float]:
    """The largest chance of showing D > -margin where D = -margin, and the gain at which it is: a grid, refined."""
    top = (1 - abs(margin)) / 2
    rarer = np.sort(np.concatenate([np.geomspace(1e-6, top, _LAWS // 4), np.linspace(0, top, _LAWS)]))

    def chance(some: FloatArray) -> FloatArray:
        return shown_chance(items, margin, level, some + max(0.0, -margin), some + max(0.0, margin))

    found = chance(rarer)
    best = int(found.argmax())
    ends = rarer[max(best - 1, 0)], rarer[min(best + 1, len(rarer) - 1)]
    refined = optimize.minimize_scalar(lambda at: -float(chance(np.array([at]))[0]), bounds=ends, method="bounded")
    place = float(refined.x) if -refined.fun > found[best] else float(rarer[best])
    return max(float(found[best]), -float(refined.fun)), place + max(0.0, -margin)


def checkpoint() -> list[Least]:
    """By items and margin: gains at D = -margin, both claims; and every D at or below -margin for one of them."""
    found = []
    for (items, margin), outcome in product(CHECKPOINT, OUTCOMES):
        rate, gain = size(items, margin if outcome == "upheld" else -margin, ALPHA)
        found.append(
            Least(
                condition="stability, checkpoint", setting=f"n = {items}, margin {margin:g}", outcome=outcome,
                searched="gains at the margin, refined", rate=rate, slack=TANGO_SLACK,
                attained=f"{'gains' if outcome == 'upheld' else 'losses'} {gain:.4f} of the items",
            )
        )  # fmt: skip
    rate, (gain, beyond) = search(partial(below, 100), np.zeros(2), np.array([0.475, 0.5]))
    found.append(
        Least(
            condition="stability, checkpoint", setting=f"n = 100, margin {MARGIN:g}", outcome="upheld", rate=rate,
            searched="gains and losses with D at or below the margin, by differential evolution", slack=TANGO_SLACK,
            attained=f"gains {gain:.4f}, losses {gain + MARGIN + beyond:.4f}",
        )
    )  # fmt: skip
    return found


def below(items: int, law: FloatArray) -> float:
    """The chance of non-inferior by gains and by how far D is below the margin."""
    gain, loss = law[0], law[0] + MARGIN + law[1]
    if gain + loss > 1:
        return 0.0
    return float(shown_chance(items, MARGIN, ALPHA, np.array([gain]), np.array([loss]))[0])


def losses() -> list[Least]:
    """The share of items whose loss rises: the exact binomial test, over numbers of items."""

    def within(items: int) -> float:
        cutoff = intact_cutoff(items, SHARE_WORSE, ALPHA)
        return 0.0 if cutoff is None else at_most(cutoff, items, SHARE_WORSE)

    def beyond(items: int) -> float:
        cutoff = broken_cutoff(items, SHARE_WORSE, ALPHA)
        return 0.0 if cutoff is None else 1 - at_most(cutoff - 1, items, SHARE_WORSE)

    sides = zip(OUTCOMES, (within, beyond), strict=True)
    largest = [(outcome, of, max(range(20, 1001), key=of)) for outcome, of in sides]
    return [
        Least(
            condition="stability, losses", setting=f"share {SHARE_WORSE:g}", outcome=outcome, rate=of(n),
            searched="items 20 to 1000", attained=f"n = {n}",
        )
        for outcome, of, n in largest
    ]  # fmt: skip


def floors() -> list[Least]:
    """Usability of a gate at its floors: the exact binomial test, over numbers of items.

    Falsely upheld with one rate at its floor and the others far above; falsely refuted with all of three at theirs, in
    any dependence.
    """

    def met(items: int) -> float:
        cutoff = broken_cutoff(items, FLOOR, ALPHA)
        return 0.0 if cutoff is None else 1 - at_most(cutoff - 1, items, FLOOR)

    def missed(items: int) -> float:
        cutoff = intact_cutoff(items, FLOOR, ALPHA / FLOORS)
        return 0.0 if cutoff is None else FLOORS * at_most(cutoff, items, FLOOR)

    sides = zip(OUTCOMES, (met, missed), ("one at its floor", f"{FLOORS} at theirs, in any dependence"), strict=True)
    largest = [(outcome, of, where, max(range(20, 1001), key=of)) for outcome, of, where in sides]
    return [
        Least(
            condition="usability", setting=f"floor {FLOOR:g}", outcome=outcome, rate=of(n),
            searched="items 20 to 1000", attained=f"n = {n}, {where}",
        )
        for outcome, of, where, n in largest
    ]  # fmt: skip


def trainings() -> list[Least]:
    """By S: the share of trainings that fail; nothing else errs."""
    found = []
    for replicates, share in CLAIMS:
        at = claim(replicates, share, readings=1)
        failing = np.linspace(share, 1, 101)
        rates = few_hold_not(at, failing)
        sound = most_fail(at, np.linspace(0, share, 101))
        found += [
            Least(
                condition="trainability", setting=named(at), outcome="upheld", searched="share that fails",
                limit=5 / 8 * ALPHA, rate=float(rates.max()), attained=f"{failing[rates.argmax()]:g} fail",
            ),
            Least(
                condition="trainability", setting=named(at), outcome="refuted", searched="share that fails",
                rate=float(sound.max()), attained=f"{share:g} fail", limit=5 / 8 * ALPHA,
            ),
        ]  # fmt: skip
    return found
