"""Group-sequential plans for one dose: its items are asked in one fixed random order, and analyzed several times.

Interim analyses have cut-offs of their own, by which a side errs at most at its level: under f = threshold the chance
of a false decision by the time a share t of the items is asked is at most level * t^2. What an analysis leaves unspent
carries over to the next. Each side is reckoned as if the other never stopped, which only takes errors away.

References:
    J. R. Schultz, F. R. Nichol, G. L. Elfring, S. D. Weed (1973), Multiple-stage procedures for drug screening.
    Biometrics 29, 293-300: the exact recursion over analyses.
    K. K. G. Lan, D. L. DeMets (1983), Discrete sequential boundaries for clinical trials. Biometrika 70, 659-663:
    spending a level; K. Kim, D. L. DeMets (1987), Biometrika 74, 149-154: as a power of the share.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from scipy import special

from titer.stats.binomial import Counts, Decision, broken_cutoff, intact_cutoff

FEWEST_ITEMS = {3: 4, 6: 6}
"""By the number of analyses the fewest items for which each is of other items."""
_TOLERANCE = 1 + 1e-12  # relative: a chance equal to its level up to rounding is within the level


@dataclass(frozen=True, kw_only=True)
class InterimAnalysis:
    """One moment at which a dose may be decided, and its cut-offs.

    Attributes:
        asked: items asked by then.
        intact: intact if at most this many of them can be harmful; None where no count is few enough.
        broken: broken if at least this many of them are harmful; None where no count is many enough.
    """

    asked: int
    intact: int | None
    broken: int | None

    def decision(self, counts: Counts, *, collapse_counts: bool) -> Decision:
        """What the cut-offs say of the items asked by now; unclear where neither is reached.

        Raises:
            ValueError: the counts are of another number of items.
        """
        if counts.items != self.asked:
            raise ValueError(f"an analysis of {self.asked} items cannot decide by {counts.items}")
        if self.intact is not None and counts.high(collapse_counts=collapse_counts) <= self.intact:
            return "intact"
        return "broken" if self.broken is not None and counts.low >= self.broken else "unclear"


@dataclass(frozen=True, kw_only=True)
class SequentialPlan:
    """When a dose may be decided, the last time by all items, and what the cut-offs were made for.

    Attributes:
        analyses: in the order in which they come.
        threshold: the acceptable f.
        intact_level: error level of the decision intact (a of the replicate's levels), over all analyses together.
        broken_level: error level of the decision broken (a'), likewise.
    """

    analyses: tuple[InterimAnalysis, ...]
    threshold: float
    intact_level: float
    broken_level: float

    @property
    def decidable(self) -> bool:
        """Whether some count shows a dose intact, and some other broken."""
        return any(analysis.intact is not None for analysis in self.analyses) and any(
            analysis.broken is not None for analysis in self.analyses
        )


def fixed_analysis(items: int, *, threshold: float, intact_level: float, broken_level: float) -> InterimAnalysis:
    """The analysis of all items at once, by the limits of Clopper and Pearson.

    Args:
        items: all items (n).
        threshold: the acceptable f.
        intact_level: error level of the decision intact (a).
        broken_level: error level of the decision broken (a').

    >>> fixed_analysis(100, threshold=0.2, intact_level=0.01875, broken_level=0.01875 / 18)
    InterimAnalysis(asked=100, intact=11, broken=34)
    """
    return InterimAnalysis(
        asked=items,
        intact=intact_cutoff(items, threshold, intact_level),
        broken=broken_cutoff(items, threshold, broken_level),
    )


def one_analysis(items: int, *, threshold: float, intact_level: float, broken_level: float) -> SequentialPlan:
    """The plan that has no interim analysis: its only one is of all items, a `fixed_analysis`.

    Args:
        items: all items (n).
        threshold: the acceptable f.
        intact_level: error level of the decision intact (a).
        broken_level: error level of the decision broken (a').

    >>> one_analysis(100, threshold=0.2, intact_level=0.01875, broken_level=0.01875 / 18).analyses
    (InterimAnalysis(asked=100, intact=11, broken=34),)
    """
    analysis = fixed_analysis(items, threshold=threshold, intact_level=intact_level, broken_level=broken_level)
    return SequentialPlan(
        analyses=(analysis,), threshold=threshold, intact_level=intact_level, broken_level=broken_level
    )


def three_analyses(items: int, *, threshold: float, intact_level: float, broken_level: float) -> SequentialPlan:
    """Analyses of a quarter of the items, of half and of all of them, rounded down.

    Args:
        items: all items (n), at least 4.
        threshold: the acceptable f.
        intact_level: error level of the decision intact (a).
        broken_level: error level of the decision broken (a').

    >>> three = three_analyses(100, threshold=0.2, intact_level=0.01875, broken_level=0.01875 / 18)
    >>> [(analysis.asked, analysis.intact, analysis.broken) for analysis in three.analyses]
    [(25, None, 15), (50, 2, 22), (100, 11, 34)]
    """
    if items < FEWEST_ITEMS[3]:
        raise ValueError(f"three analyses need at least {FEWEST_ITEMS[3]} items, not {items}")
    asked = (items // 4, items // 2, items)
    return plan_analyses(asked, threshold=threshold, intact_level=intact_level, broken_level=broken_level)


def six_analyses(items: int, *, threshold: float, intact_level: float, broken_level: float) -> SequentialPlan:
    """Analyses of a tenth, a fifth, two, three, four and five fifths of the items, rounded up.

    Args:
        items: all items (n), at least 6.
        threshold: the acceptable f.
        intact_level: error level of the decision intact (a).
        broken_level: error level of the decision broken (a').

    >>> six = six_analyses(600, threshold=0.2, intact_level=0.01875, broken_level=0.01875 / 18)
    >>> [analysis.asked for analysis in six.analyses]
    [60, 120, 240, 360, 480, 600]
    """
    if items < FEWEST_ITEMS[6]:
        raise ValueError(f"six analyses need at least {FEWEST_ITEMS[6]} items, not {items}")
    asked = tuple(-(-items * tenths // 10) for tenths in (1, 2, 4, 6, 8, 10))
    return plan_analyses(asked, threshold=threshold, intact_level=intact_level, broken_level=broken_level)


def plan_analyses(
    asked: Sequence[int], *, threshold: float, intact_level: float, broken_level: float
) -> SequentialPlan:
    """Analyses after these numbers of items, by cut-offs that spend at most level * t^2 by the share t of the items.

    Args:
        asked: items asked by each analysis, strictly increasing; the last is all of them.
        threshold: the acceptable f.
        intact_level: error level of the decision intact (a).
        broken_level: error level of the decision broken (a').

    >>> plan_analyses([100], threshold=0.2, intact_level=0.01875, broken_level=0.01875 / 18).analyses
    (InterimAnalysis(asked=100, intact=11, broken=34),)
    """
    if not asked or asked[0] < 1 or any(later <= before for before, later in pairwise(asked)):
        raise ValueError(f"the items asked must increase strictly from 1 or more: {list(asked)}")
    harmful = _largest_counts(asked, threshold, intact_level)
    harmless = _largest_counts(asked, 1 - threshold, broken_level)
    analyses = tuple(
        InterimAnalysis(asked=stop, intact=most_harmful, broken=None if most_harmless is None else stop - most_harmless)
        for stop, most_harmful, most_harmless in zip(asked, harmful, harmless, strict=True)
    )
    return SequentialPlan(analyses=analyses, threshold=threshold, intact_level=intact_level, broken_level=broken_level)


def law_after(going: npt.NDArray[np.float64], items: int, rate: float) -> npt.NDArray[np.float64]:
    """The law of the harmful count after some more items.

    Args:
        going: chances of the counts 0, 1, ... so far, shape [counts]; those that were stopped at are taken out.
        items: how many more are asked.
        rate: the true f.

    Returns:
        The chances of the counts now, shape [counts + items].
    """
    if not 0 <= rate <= 1:
        raise ValueError(f"a rate must be between 0 and 1, not {rate}")
    k = np.arange(items + 1)
    ways = special.gammaln(items + 1) - special.gammaln(k + 1) - special.gammaln(items - k + 1)
    return np.convolve(going, np.exp(ways + special.xlogy(k, rate) + special.xlog1py(items - k, -rate)))


def _largest_counts(asked: Sequence[int], rate: float, level: float) -> list[int | None]:
    """At each stop the largest count that spends no more than level * (share asked)^2, all stops until then."""
    if not 0 < level < 0.5:
        raise ValueError(f"a level must be between 0 and 1/2, not {level}")
    largest: list[int | None] = []
    going, before, spent = np.ones(1), 0, 0.0
    for stop in asked:
        going = law_after(going, stop - before, rate)
        budget = level * (stop / asked[-1]) ** 2 * _TOLERANCE
        within = int(np.searchsorted(spent + np.cumsum(going), budget, side="right"))
        spent += float(going[:within].sum())
        going[:within] = 0
        largest.append(within - 1 if within > 0 else None)
        before = stop
    return largest
