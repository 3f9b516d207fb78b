"""The least favorable laws of stability and of trainability.

Stability of a checkpoint errs as its test does: its size is the largest over the laws of gains and losses at the
margin. Of a method a subject made is beyond the margin with chance p >= q; at worst all of these change the same items,
so that they are shown within the margin together. Trainability errs at the seed level alone.
"""

from __future__ import annotations

from functools import cache, partial
from itertools import product

import numpy as np
from scipy import optimize, signal

from benchmarks.calibration.deciding_tasks import COMPARED, shown_table
from benchmarks.calibration.least_favourable import (
    TANGO_SLACK,
    Least,
    Outcome,
    few_hold_not,
    most_fail,
    search,
)
from benchmarks.calibration.least_favourable_exposure import CLAIMS, claim, named, upheld_by_kinds
from benchmarks.calibration.setting import ALPHA, FloatArray
from benchmarks.calibration.tables import percent
from titer.stats.binomial import at_most, broken_cutoff, intact_cutoff
from titer.stats.tango import outcome_chances

CHECKPOINT = ((40, 0.02), (40, 0.05), (100, 0.02), (100, 0.05), (200, 0.05), (300, 0.02), (300, 0.05), (300, 0.1))
METHOD_ITEMS = (100, 300)
MARGIN = 0.05
SHARE_WORSE = 0.1
_PARTLY_COMMON = 100
_COMMON = (0.0, 0.25, 0.5, 0.75, 1.0)
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


def partly_common(replicates: int, common: float, gain: float) -> float:
    """P(upheld) of a method where a share q is at the margin, some of the changes being common to all of these."""
    at, items = claim(replicates, 0.5, readings=1), _PARTLY_COMMON
    shared = round(common * items)
    laws = [_changes(count, gain, gain + MARGIN) for count in (shared, items - shared)]
    shown = shown_table(MARGIN, at.intact_level, items).astype(float)
    rest = items - shared
    missed = signal.fftconvolve(shown, laws[1][::-1, ::-1])[rest : rest + items + 1, rest : rest + items + 1]
    missed = np.clip(missed[: shared + 1, : shared + 1], 0, 1)
    return float((laws[0] * few_hold_not(at, 0.5 * (1 - missed))).sum())


def _changes(items: int, gain: float, loss: float) -> FloatArray:
    """The law of gains and losses among so many items [gains, losses]."""
    counts = np.indices((items + 1, items + 1)).reshape(2, -1).T
    possible = counts.sum(axis=1) <= items
    law = np.zeros(len(counts))
    law[possible] = outcome_chances(counts[possible], items, np.array([gain]), np.array([loss]))[0]
    return law.reshape(items + 1, items + 1)


def method_upheld() -> list[Least]:
    """By S: gains at the margin, with all changes common; and the share of them that is, at 100 items."""
    found = []
    for replicates, share in CLAIMS[:5]:
        at = claim(replicates, share, readings=1)
        rates = {items: size(items, MARGIN, at.intact_level) for items in METHOD_ITEMS}
        items = max(rates, key=lambda n: rates[n][0])
        each, gain = rates[items]
        enough = float(few_hold_not(at, share))
        partly = {common: partly_common(replicates, common, rates[_PARTLY_COMMON][1]) for common in _COMMON[:-1]}
        worst = max(partly.items(), key=lambda one: one[1])
        found.append(
            Least(
                condition="stability, method", setting=named(at), outcome="upheld", slack=TANGO_SLACK,
                searched="items 100 and 300, gains at the margin, share of common changes",
                rate=max(enough + (1 - enough) * each, worst[1]),
                attained=f"n = {items}, gains {gain:.4f}, all changes common, q at the margin; "
                f"with {100 * worst[0]:.0f} % of them common {percent(worst[1])}",
            )
        )  # fmt: skip
    return found


def method_refuted() -> list[Least]:
    """By S: q of the subjects lose much; the others are at the margin on every task, tasks being independent."""
    found = []
    for replicates, share in CLAIMS[:5]:
        at = claim(replicates, share, readings=1)
        rates = {items: size(items, -MARGIN, at.broken_level / COMPARED) for items in METHOD_ITEMS}
        items = max(rates, key=lambda n: rates[n][0])
        each = 1 - (1 - rates[items][0]) ** COMPARED
        enough = float(most_fail(at, share))
        found.append(
            Least(
                condition="stability, method", setting=f"{named(at)}, {COMPARED} tasks", outcome="refuted",
                searched="items 100 and 300, losses at the margin", slack=TANGO_SLACK,
                rate=enough + (1 - enough) * each, attained=f"n = {items}, losses {rates[items][1]:.4f}, all common",
            )
        )  # fmt: skip
    return found


def three_point_rate(replicates: int, items: int, law: FloatArray) -> float:
    """P(upheld) of a method whose subjects are of three kinds: within the margin, or beyond it in one of two ways.

    All of a kind are shown within the margin together, and the two kinds as often together as their chances allow,
    which is most favorable to upheld where r = 0.

    Args:
        replicates: S.
        items: the number of items.
        law: the share beyond q as a part of 1 - q, the part of the second kind, and of each its gains and how far it is
            beyond the margin.
    """
    at = claim(replicates, 0.5, readings=1)
    beyond = at.share + (1 - at.share) * law[0]
    kinds = beyond * np.array([1 - law[1], law[1]])
    gain, loss = law[2:4], law[2:4] + MARGIN + law[4:6]
    if (gain + loss > 1).any():
        return 0.0
    one, other = shown_chance(items, MARGIN, at.intact_level, gain, loss)
    counts = np.arange(replicates + 1)
    first, second = np.meshgrid(counts, counts, indexing="ij")
    possible = first + second <= replicates
    chances = np.zeros(first.shape)
    cells = np.column_stack([first[possible], second[possible]])
    chances[possible] = outcome_chances(cells, replicates, kinds[:1], kinds[1:])[0]
    return float((chances * upheld_by_kinds(at, (first, second), (one, other), min(one, other))).sum())


def three_points() -> list[Least]:
    """Differential evolution over laws of three kinds of subjects, for one S with r = 0 and one with r = 1."""
    found = []
    low, high = np.zeros(6), np.array([1, 1, 0.4, 0.4, 0.3, 0.3])
    for replicates in (5, 9):
        rate, law = search(partial(three_point_rate, replicates, _PARTLY_COMMON), low, high)
        found.append(
            Least(
                condition="stability, method", setting=f"S = {replicates}, q = 0.5, n = {_PARTLY_COMMON}",
                outcome="upheld", searched="laws of three points, by differential evolution", rate=rate,
                slack=TANGO_SLACK,
                attained=f"{0.5 + 0.5 * law[0]:.3f} beyond the margin, of them {law[1]:.2f} of the second kind, "
                f"gains {law[2]:.3f} and {law[3]:.3f}, D {-MARGIN - law[4]:.3f} and {-MARGIN - law[5]:.3f}",
            )
        )  # fmt: skip
    return found


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
