"""What a study can show, before it is run: by enumeration, except where a law of seeds has to be assumed.

Rates are shares, levels one-sided; `power` is the chance of the wanted outcome if the assumed truth holds.
"""

import math
from bisect import bisect_left
from collections.abc import Callable, Sequence
from functools import cache
from itertools import pairwise

import numpy as np
from scipy import special

from titer.stats.binomial import at_least, at_most, broken_cutoff, intact_cutoff
from titer.stats.replicates import Levels
from titer.stats.tango import (
    ENUMERATED_ITEMS,
    TIE,
    all_outcomes,
    critical_score,
    outcome_chances,
    tango_score,
)

MOST_ITEMS = 5000  # where the search for the items of a dose ends
ITEMS_APART = 25  # the numbers of paired items that are tried, up to those that are enumerated
FEW_APART = 50  # and beyond, up to
MOST_PAIRED = 1000


def power_intact(n: int, *, threshold: float, level: float, rate: float) -> float:
    """P(a dose of n items is shown intact) if f = rate.

    Args:
        n: number of items.
        threshold: the acceptable f.
        level: one-sided error level.
        rate: the true f.

    >>> round(power_intact(100, threshold=0.2, level=0.01875, rate=0.1), 2)
    0.7
    """
    cutoff = intact_cutoff(n, threshold, level)
    return 0.0 if cutoff is None else at_most(cutoff, n, rate)


def power_broken(n: int, *, threshold: float, level: float, rate: float) -> float:
    """P(a dose of n items is shown broken) if f = rate.

    Args:
        n: number of items.
        threshold: the acceptable f.
        level: one-sided error level.
        rate: the true f.
    """
    cutoff = broken_cutoff(n, threshold, level)
    return 0.0 if cutoff is None else at_least(cutoff, n, rate)


def fewest_items(threshold: float, level: float) -> int:
    """Items below which no dose can be shown intact, even if none is harmful: ln(level) / ln(1 - threshold).

    >>> fewest_items(0.2, 0.01875), fewest_items(0.1, 0.01875)
    (18, 38)
    """
    n = max(1, math.floor(math.log(level) / math.log1p(-threshold)))
    return n if intact_cutoff(n, threshold, level) is not None else n + 1


@cache
def items_for_intact(*, threshold: float, level: float, rate: float, power: float = 0.9) -> int | None:
    """The number of items from which the power of intact stays at or above `power`; None beyond `MOST_ITEMS`.

    Args:
        threshold: the acceptable f.
        level: one-sided error level.
        rate: the true f, below the threshold.
        power: the wanted power.

    >>> items_for_intact(threshold=0.2, level=0.01875, rate=0.05)
    57
    """
    every = range(1, MOST_ITEMS + 1)
    return _stays(lambda n: power_intact(n, threshold=threshold, level=level, rate=rate), power, every)


@cache
def items_for_broken(*, threshold: float, level: float, rate: float, power: float = 0.9) -> int | None:
    """The number of items from which the power of broken stays at or above `power`, as for intact.

    Args:
        threshold: the acceptable f.
        level: one-sided error level.
        rate: the true f, above the threshold.
        power: the wanted power.
    """
    every = range(1, MOST_ITEMS + 1)
    return _stays(lambda n: power_broken(n, threshold=threshold, level=level, rate=rate), power, every)


def power_upheld(levels: Levels, not_holding: float) -> float:
    """P(upheld) = P(Bin(S, p) <= r), p the chance that a replicate does not hold; 0 where S decides nothing."""
    return 0.0 if levels.r is None else at_most(levels.r, levels.replicates, not_holding)


def power_refuted(levels: Levels, failing: float) -> float:
    """P(refuted) = P(Bin(S, p) >= S - r'), p the chance that a replicate fails; 0 where S decides nothing."""
    return 0.0 if levels.r_fail is None else at_least(levels.replicates - levels.r_fail, levels.replicates, failing)


def power_noninferior(items: int, *, margin: float, level: float, changing: float, difference: float = 0.0) -> float:
    """P(noninferior is shown) by Tango's score, over all outcomes of n paired items.

    Args:
        items: number of items.
        margin: delta.
        level: one-sided error level.
        changing: share of items that change, in either direction.
        difference: the true D, at most `changing` in size.
    """
    if not abs(difference) <= changing <= 1:
        raise ValueError(f"need |difference| <= changing <= 1, not {difference} and {changing}")
    critical = critical_score(items, margin, level)
    if critical is None:
        return 0.0
    outcomes = all_outcomes(items)
    shown = outcomes[tango_score(outcomes[:, 0], outcomes[:, 1], items, -margin) >= critical - TIE]
    gain, loss = np.array([(changing + difference) / 2]), np.array([(changing - difference) / 2])
    return float(outcome_chances(shown, items, gain, loss).sum())


@cache
def items_for_noninferior(*, margin: float, level: float, changing: float, power: float = 0.9) -> int | None:
    """The number of items from which the power of noninferior stays at or above `power`, if nothing is lost.

    A multiple of `ITEMS_APART` up to `ENUMERATED_ITEMS`, then of `FEW_APART` up to `MOST_PAIRED`; None beyond.

    Args:
        margin: delta.
        level: one-sided error level.
        changing: share of items that change, in either direction.
        power: the wanted power.

    >>> [items_for_noninferior(margin=0.05, level=0.05, changing=psi, power=0.9**0.25) for psi in (0.03, 0.01)]
    [225, 125]
    """

    def power_at(n: int) -> float:
        return power_noninferior(n, margin=margin, level=level, changing=changing)

    found = _stays(power_at, power, range(ITEMS_APART, ENUMERATED_ITEMS + 1, ITEMS_APART))
    if found is not None:
        return found
    beyond = range(ENUMERATED_ITEMS + FEW_APART, MOST_PAIRED + 1, FEW_APART)  # a test takes a second there
    place = bisect_left(beyond, True, key=lambda n: power_at(n) >= power)
    return beyond[place] if place < len(beyond) else None


def power_of_each(replicates: int, *, spared: int, power: float) -> float:
    """The chance of each replicate at which all but `spared` succeed with the wanted power: power^(1/S) for none.

    Args:
        replicates: number of replicates (S).
        spared: how many may fall short (r).
        power: the wanted power.
    """
    return float(special.betaincinv(replicates - spared, spared + 1, power))


def detectable_ratio(
    replicates: int, *, power: float, spared: int = 0, sd_log2: float = 0.7, correlation: float = 0.0
) -> float:
    """The ratio of titers that is shown above 1 on doubling doses, if all but `spared` replicate pairs must show it.

    log2 R = 1.3 + z sigma sqrt(2 (1 - rho)), z the normal quantile of the power that each pair needs. 1.3 doses are
    lost to the intervals, a figure fitted to simulations with 100 items.

    Args:
        replicates: number of replicate pairs (S).
        power: wanted power, above 1/2.
        spared: replicate pairs that need not show it (r of the limits of a median).
        sd_log2: standard deviation of log2(titer) over seeds (sigma).
        correlation: of the two log titers of a pair (rho).

    >>> round(detectable_ratio(5, power=0.8)), round(detectable_ratio(5, power=0.9))
    (8, 10)
    """
    z = float(special.ndtri(power_of_each(replicates, spared=spared, power=power)))
    return float(2 ** (1.3 + z * sd_log2 * math.sqrt(2 * (1 - correlation))))


def dose_holds(ladder: Sequence[float], *, epsilon: float, ratio: float, sd_log: float) -> float | None:
    """P(a task's dose to the target, as the ladder shows it, is at most 1 + epsilon times that of the other subject).

    Either is shown as the first dose at or above it. ln(tau*/tau) is normal, and ln(tau) uniform over the
    steps of the ladder after which a dose of 1 + epsilon times the dose remains. None where no step is followed by
    such a dose.

    Args:
        ladder: the doses, ascending, above 0; a dose at or below the first is open and left out.
        epsilon: the share by which the dose may grow.
        ratio: the true median of tau*/tau.
        sd_log: standard deviation of ln(tau*/tau) over replicate pairs, above 0.

    >>> round(dose_holds([1.19**k for k in range(20)], epsilon=0.5, ratio=1, sd_log=0.2), 3)
    0.983
    """
    shift, span, held = math.log(ratio), 0.0, 0.0

    def mean_excess(x: float) -> float:  # E max(0, x - ln(tau*/tau)), whose slope is P(ln(tau*/tau) <= x)
        z = (x - shift) / sd_log
        return (x - shift) * float(special.ndtr(z)) + sd_log * math.exp(-z * z / 2) / math.sqrt(2 * math.pi)

    for below, dose in pairwise(ladder):
        if (1 + epsilon) * dose > ladder[-1]:
            break
        latest = max(other for other in ladder if other <= (1 + epsilon) * dose)
        span += math.log(dose / below)
        held += mean_excess(math.log(latest / below)) - mean_excess(math.log(latest / dose))
    return held / span if span else None


def _stays(power_at: Callable[[int], float], power: float, tried: range) -> int | None:
    """The number tried after the last one whose power is below the wanted one; None where that is the very last."""
    last = next((n for n in reversed(tried) if power_at(n) < power), tried.start - tried.step)
    return last + tried.step if last < tried[-1] else None
