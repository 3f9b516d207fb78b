"""The least favorable laws of resistance and generalization.

Upheld is false where a replicate truly breaks with chance p >= q. A break is likeliest overlooked where harm is just
above the threshold, once, so that its reading is intact with chance P(Bin(n, threshold) <= cut-off) <= a. A share of
the items is common to all replicates: an item in it is harmful in all that break, or in none; the others are harmful in
each replicate by themselves. Refuted is false where it breaks with chance p <= q; there the others are at the threshold
at every reading.
"""

from __future__ import annotations

from functools import partial
from itertools import product

import numpy as np
from scipy import special, stats

from benchmarks.calibration.least_favourable import Least, few_hold_not, search
from benchmarks.calibration.replicate_rule import replicate_errors
from benchmarks.calibration.setting import ALPHA, THRESHOLD, FloatArray, IntArray
from titer.stats.binomial import at_most, broken_cutoff, intact_cutoff
from titer.stats.replicates import Items, Levels, levels
from titer.stats.tango import outcome_chances

CLAIMS = ((5, 0.5), (6, 0.5), (8, 0.5), (9, 0.5), (12, 0.5), (13, 0.25), (33, 0.1))
SIZES = range(20, 401)
COMMON = np.linspace(0, 1, 21)
READINGS = (1, 14, 56)
ALL_ITEMS = (40, 100, 200, 300, 400)
_SHARES = np.linspace(0, 1, 41)
_THREE_POINT_ITEMS = 100


def claim(replicates: int, share: float, items: Items = "shared", readings: int = 14) -> Levels:
    """The levels of one claim."""
    return levels(replicates=replicates, share=share, alpha=ALPHA, decisions=readings, items=items)


def named(at: Levels) -> str:
    """The claim in a few words."""
    return f"S = {at.replicates}, q = {at.share:g}"


def overlooked(at: Levels, items: int) -> float:
    """The chance that a reading at the threshold is intact."""
    return at_most(_intact(at, items), items, THRESHOLD)


def upheld_rate(at: Levels, items: int, common: float, breaking: float | FloatArray) -> FloatArray:
    """P(upheld) where that share of replicates just breaks, by the share of items that is common to them."""
    shared = round(common * items)
    of_common = stats.binom.pmf(np.arange(shared + 1), shared, THRESHOLD)
    left = _intact(at, items) - np.arange(shared + 1)
    missed = stats.binom.cdf(left, items - shared, THRESHOLD)
    found = few_hold_not(at, np.multiply.outer(breaking, 1 - missed))
    return np.asarray(found @ of_common)


def _intact(at: Levels, items: int) -> int:
    cutoff = intact_cutoff(items, THRESHOLD, at.intact_level)
    return -1 if cutoff is None else cutoff


def shared_upheld() -> list[Least]:
    """By S and q: the law of two points, the share of common items and the number of items."""
    found = []
    for replicates, share in CLAIMS:
        at = claim(replicates, share)
        best = max(SIZES, key=partial(overlooked, at))
        places = [(n, c) for n, c in product((*ALL_ITEMS, best), COMMON)]
        breaking = share + (1 - share) * _SHARES
        rates = np.array([upheld_rate(at, n, c, breaking) for n, c in places])
        where, p = np.unravel_index(rates.argmax(), rates.shape)
        n, c = places[int(where)]
        found.append(
            Least(
                condition="exposure, shared items", setting=named(at), outcome="upheld",
                searched="items 20 to 400, share of common items, share that breaks",
                rate=float(rates.max()), attained=f"n = {n}, {100 * c:.0f} % common, {breaking[p]:g} break",
            )
        )  # fmt: skip
    return found


def refuted_rate(at: Levels, items: int, common: float) -> float:
    """P(refuted) where a share q breaks clearly, and the others are at the threshold at every reading.

    Readings are of items of their own; a share of them is common to the replicates. With P the chance that a sound
    replicate is not misread, given the common items, a replicate fails with 1 - (1 - q) P, and E P^j is a power of the
    mean over one reading.
    """
    cutoff, shared = broken_cutoff(items, THRESHOLD, at.broken_level), round(common * items)
    if cutoff is None or at.r_fail is None:
        return 0.0
    of_common = stats.binom.pmf(np.arange(shared + 1), shared, THRESHOLD)
    left = np.arange(shared + 1)
    read = 1 - stats.binom.sf(cutoff - left - 1, items - shared, THRESHOLD)
    moments = [float(read**j @ of_common) ** at.decisions for j in range(at.replicates + 1)]
    total = 0.0
    for spared in range(at.r_fail + 1):  # of S replicates so many do not fail
        rest = at.replicates - spared
        terms = [
            special.comb(rest, k) * (-1) ** k * (1 - at.share) ** (spared + k) * moments[spared + k]
            for k in range(rest + 1)
        ]
        total += special.comb(at.replicates, spared) * sum(terms)
    return float(total)


def shared_refuted() -> list[Least]:
    """By S and q = 1/2: the number of items and of readings, and the share of common items."""
    found = []
    for replicates, share in CLAIMS[:5]:
        places = list(product((*ALL_ITEMS, *range(25, 400, 25)), COMMON[::4], READINGS))
        rates = [refuted_rate(claim(replicates, share, readings=m), n, c) for n, c, m in places]
        n, c, m = places[int(np.argmax(rates))]
        found.append(
            Least(
                condition="exposure, shared items", setting=named(claim(replicates, share)), outcome="refuted",
                searched="items 25 to 400, share of common items, 1 to 56 independent readings",
                rate=max(rates), attained=f"n = {n}, {100 * c:.0f} % common, {m} readings, q break",
            )
        )  # fmt: skip
    return found


def three_point_rate(at: Levels, items: int, law: FloatArray) -> float:
    """P(upheld) under a law of three points: some replicates do not break, some do at one f, some at a larger one.

    Args:
        at: the levels.
        items: the number of items.
        law: the share that breaks beyond q as a part of 1 - q, the part of those at the larger f, both f, and the share
            of items that are common; a common item that is harmful at one f is so at every larger one.
    """
    beyond, part, one, more, common = law
    breaking = at.share + (1 - at.share) * beyond
    low, high = min(one, more), max(one, more)
    shared, cutoff = round(common * items), _intact(at, items)
    most = cutoff + 1  # more common harmful items than the cut-off are as good as one more
    lows = np.arange(most + 1)
    first = np.append(stats.binom.pmf(lows[:-1], shared, low), stats.binom.sf(cutoff, shared, low))
    total = 0.0
    for count, chance in zip(lows, first, strict=True):
        left = max(shared - count, 0)
        new = stats.binom.pmf(lows[:-1] - count, left, (high - low) / (1 - low))
        of_high = np.append(new, max(0.0, 1 - new.sum()))
        missed_low = stats.binom.cdf(cutoff - count, items - shared, low)
        missed_high = stats.binom.cdf(cutoff - lows, items - shared, high)
        not_held = breaking * ((1 - part) * (1 - missed_low) + part * (1 - missed_high))
        total += chance * float(few_hold_not(at, not_held) @ of_high)
    return total


def three_points() -> list[Least]:
    """Differential evolution over laws of three points, for one S with r = 0 and one with r = 1."""
    found = []
    for replicates in (5, 9):
        at = claim(replicates, 0.5)
        low, high = np.array([0, 0, THRESHOLD, THRESHOLD, 0]), np.array([1, 1, 0.5, 0.5, 1])
        rate, (beyond, part, one, more, common) = search(partial(three_point_rate, at, _THREE_POINT_ITEMS), low, high)
        found.append(
            Least(
                condition="exposure, shared items", setting=f"{named(at)}, n = {_THREE_POINT_ITEMS}", outcome="upheld",
                searched="laws of three points, by differential evolution", rate=rate,
                attained=f"{at.share + (1 - at.share) * beyond:.3f} break, of them {part:.2f} at the larger f of "
                f"{min(one, more):.3f} and {max(one, more):.3f}, {100 * common:.0f} % common",
            )
        )  # fmt: skip
    return found


def kinds_rate(at: Levels, law: FloatArray) -> float:
    """P(upheld) where replicates break in one of two ways, each overlooked in all replicates of its kind together.

    Args:
        at: the levels.
        law: the share that breaks beyond q as a part of 1 - q, the part of the second kind, the chance of overlooking
            each kind as a part of a, and of overlooking both as a part of the smaller of the two.
    """
    breaking = at.share + (1 - at.share) * law[0]
    first, second = np.argwhere(
        np.add.outer(np.arange(at.replicates + 1), np.arange(at.replicates + 1)) <= at.replicates
    ).T
    of_kinds = np.array([breaking * (1 - law[1])]), np.array([breaking * law[1]])
    chances = outcome_chances(np.column_stack([first, second]), at.replicates, *of_kinds)[0]
    one, other = at.intact_level * law[2:4]
    return float(chances @ upheld_by_kinds(at, (first, second), (one, other), law[4] * min(one, other)))


def upheld_by_kinds(
    at: Levels, counts: tuple[IntArray, IntArray], overlooked: tuple[float, float], both: float
) -> FloatArray:
    """P(upheld) by how many replicates break in each of two ways, and by the chances that a way is overlooked."""
    (first, second), (one, other), r = counts, overlooked, at.r or 0
    alone = (one - both) * (second <= r) + (other - both) * (first <= r)
    return np.asarray(both + alone + (1 - one - other + both) * (first + second <= r))


def kinds() -> list[Least]:
    """Differential evolution over two kinds of breaks and how their misreadings hang together; and the bound."""
    found = []
    for replicates in (5, 9, 12, 20):
        at = claim(replicates, 0.5)
        rate, law = search(partial(kinds_rate, at), np.zeros(5), np.ones(5))
        found += [
            Least(
                condition="exposure, shared items", setting=f"{named(at)}, each misread with its full level",
                outcome="upheld", searched="two kinds of breaks in any dependence, by differential evolution",
                rate=rate,
                attained=f"{0.5 + 0.5 * law[0]:.3f} break, of them {law[1]:.2f} of the second kind, both overlooked in "
                f"{100 * law[4]:.0f} % of what is possible",
            ),
            Least(
                condition="exposure, shared items", setting=f"{named(at)}, each misread with its full level",
                outcome="upheld", searched="nothing: the bound for any dependence",
                rate=replicate_errors(at).upheld["worst"], attained="not known to be attained" if at.r else "attained",
            ),
        ]  # fmt: skip
    return found
