"""The dose that breaks a subject, known only to lie between two doses.

Intervals are (low, high]; `high` is None where no dose was broken. Lower limits are order statistics of low
ends, upper limits of high ends. Doses are on one axis.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import NamedTuple

from titer.stats.arguments import one_of, same_length
from titer.stats.binomial import Decision, at_least
from titer.stats.replicates import Levels
from titer.stats.replicates import levels as make_levels


class Interval(NamedTuple):
    """Where a titer, or a ratio of titers, lies: (low, high]; high None: no upper end is known."""

    low: float
    high: float | None


def titer(doses: Sequence[float], decisions: Sequence[Decision | None]) -> Interval:
    """The titer of one curve: (largest dose up to which all doses are intact, first broken dose].

    Later recovery does not undo a break. A subject already broken at dose 0 has the titer (0, 0].

    Args:
        doses: the doses, strictly increasing.
        decisions: the decision at each dose; None for a dose that was not asked.

    Raises:
        ValueError: doses that do not increase, another number of decisions, or an unknown decision.

    >>> titer([0, 16, 32, 64], ["intact", "intact", "unclear", "broken"])
    Interval(low=16, high=64)
    """
    if any(later <= earlier for earlier, later in pairwise(doses)):
        raise ValueError(f"doses must increase strictly: {list(doses)}")
    same_length(doses, decisions, ("doses", "decisions"))
    low: float = 0
    unbroken = True
    for dose, decision in zip(doses, decisions, strict=True):
        if decision is not None:
            one_of("a decision", decision, Decision)
        if decision == "broken":
            return Interval(low, dose)
        unbroken = unbroken and decision == "intact"
        low = dose if unbroken else low
    return Interval(low, None)


def weakest(titers: Sequence[Interval]) -> Interval:
    """The titer of a replicate: the minimum over its attacks and domains, end by end.

    >>> weakest([Interval(16, 64), Interval(32, None)])
    Interval(low=16, high=64)
    """
    return Interval(min(t.low for t in titers), _finite(min(_high(t) for t in titers)))


def quantile_limits(intervals: Sequence[Interval], levels: Levels) -> Interval | None:
    """One-sided limits of the q-quantile over replicates, each at the level that `levels` was made for.

    The (r + 1)-th smallest low end and the (r_fail + 1)-th largest high end; None where S decides nothing.

    Args:
        intervals: one per replicate: titers, or ratios of titers (then with `levels` at q = 1/2).
        levels: r and r_fail, for this number of replicates.
    """
    if len(intervals) != levels.replicates:
        raise ValueError(f"levels are for {levels.replicates} replicates, not for {len(intervals)}")
    if levels.r is None or levels.r_fail is None:
        return None
    low = sorted(t.low for t in intervals)[levels.r]
    high = sorted((_high(t) for t in intervals), reverse=True)[levels.r_fail]
    return Interval(low, _finite(high))


def upper_limit_error(levels: Levels, all_decisions: int) -> float | None:
    """Error bound of the upper titer limit when doses beyond the budget were decided as well.

    s' + (1 - s')(r' + 1) m_all a', which is at most alpha for m_all = m; with own items
    P(Bin(S, q + (1 - q) min(1, m_all a')) >= S - r'). None where S decides nothing.

    Args:
        levels: as in `quantile_limits`.
        all_decisions: decisions in a replicate with those beyond the budget (m_all).
    """
    if levels.s_fail is None or levels.r_fail is None:
        return None
    each = all_decisions * levels.broken_level
    if levels.items == "own":
        broken = levels.share + (1 - levels.share) * min(1.0, each)
        return at_least(levels.replicates - levels.r_fail, levels.replicates, broken)
    return levels.s_fail + (1 - levels.s_fail) * (levels.r_fail + 1) * each


def ratio_levels(levels: Levels, all_decisions: int) -> Levels:
    """The levels at which doses are decided for ratios of titers: their ends may lie beyond the budget.

    Those of q = 1/2 with a' divided among the decisions of the whole ladder; with own items half of a and of a'.

    Args:
        levels: those of the condition.
        all_decisions: decisions in a replicate on the whole ladder, those beyond the budget too.
    """
    median = make_levels(
        replicates=levels.replicates, share=0.5, alpha=levels.alpha, decisions=all_decisions, items=levels.items
    )
    if levels.items == "shared":
        return median
    return replace(median, intact_level=median.intact_level / 2, broken_level=median.broken_level / 2)


def ratio(defended: Interval, undefended: Interval) -> Interval:
    """The ratio of two titers of one replicate pair, (L*/U, U*/L].

    Low end 0 where the undefended subject was not broken, or broken at dose 0 already; no upper end where the
    defended one was not broken, or the undefended one has no intact dose above dose 0.

    >>> ratio(Interval(32, 64), Interval(8, 16))
    Interval(low=2.0, high=8.0)
    """
    low = defended.low / undefended.high if undefended.high else 0.0
    high = defended.high / undefended.low if defended.high is not None and undefended.low > 0 else None
    return Interval(low, high)


def ratio_error(levels: Levels) -> float | None:
    """Error bound of one limit of the median ratio, in which both subjects can be misjudged.

    s + (r + 1)(a + m a'), with the larger r of the two sides; with own items alpha. None where S decides nothing.

    Args:
        levels: the `ratio_levels` at which the doses of both subjects were decided.
    """
    if levels.r is None or levels.s is None or levels.r_fail is None or levels.s_fail is None:
        return None
    if levels.items == "own":
        return levels.alpha
    misjudged = levels.intact_level + levels.decisions * levels.broken_level
    return max(levels.s + (levels.r + 1) * misjudged, levels.s_fail + (levels.r_fail + 1) * misjudged)


def _high(interval: Interval) -> float:
    return math.inf if interval.high is None else interval.high


def _finite(dose: float) -> float | None:
    return None if math.isinf(dose) else dose
