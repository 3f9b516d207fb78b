"""Rank tests of doses that are known as intervals only: do the runs of one training break later than those of another?

A run breaks somewhere in an interval (low, high]. One interval is surely later than another only if the two do not
overlap. Either test reports the largest p-value over all doses that the intervals allow. So it never errs more often
than it says, however the intervals came about: the two trainings may have been read at different doses, or at other
levels. Gehan's scores (1965) with their permutation law are sharper, but exact only where both were read alike; the
tests in Fay and Shaw (2010) need the same. Of values that are missing altogether Zeng and others have this bound.

The bound is reached: the count of a rank test is least where every run of the later training breaks just above its low
end, and every other one at its high end. Ties only make the count smaller than a random order of the tied would; so the
law without ties bounds it.

References:
    H. B. Mann, D. R. Whitney (1947), On a test of whether one of two random variables is stochastically larger than
    the other. Annals of Mathematical Statistics 18, 50-60.
    F. Wilcoxon (1945), Individual comparisons by ranking methods. Biometrics Bulletin 1, 80-83.
    J. W. Tukey (1949), The simplest signed-rank tests. Princeton, Statistical Research Group, Memorandum Report 17:
    the statistic is the number of pairwise means above 0.
    E. A. Gehan (1965), A generalized Wilcoxon test for comparing arbitrarily singly-censored samples. Biometrika 52,
    203-223; M. P. Fay, P. A. Shaw (2010), Exact and asymptotic weighted logrank tests for interval censored data.
    Journal of Statistical Software 36 (2).
    Y. Zeng, N. M. Adams, D. A. Bodenham (2024), On two-sample testing for data with arbitrarily missing values.
    arXiv 2403.15327: exact bounds of the Mann-Whitney test over all that is missing.
    S. Holm (1979), A simple sequentially rejective multiple test procedure. Scandinavian Journal of Statistics 6.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from titer.stats.arguments import one_of, same_length
from titer.stats.interval_censoring import Interval, ratio
from titer.stats.item_results import Alternative
from titer.stats.outcomes import Outcomes, read_numbers, table

BreakDoses = Sequence[tuple[float, float | None] | None]
"""Of each run the interval (low, high] of the dose that breaks it; high None: no upper end known; None: no reading."""
_TOLERANCE = 1 + 1e-12  # relative: a chance equal to its level up to rounding is within the level


@dataclass(frozen=True, kw_only=True)
class RankTest:
    """Whether runs break later than others do, or earlier.

    Attributes:
        title: the test in words.
        alternative: the claim: greater (the new runs break later) or less (earlier).
        level: one-sided error level.
        runs: of the new training, and of the reference.
        count: pairs that are surely in favour of the claim.
        pairs: pairs in all: of runs, or of a signed rank test of differences, each with itself and each other.
        missing: runs without a reading, which are in favour of nothing.
        pvalue: the largest exact one over all doses that the intervals allow.
    """

    title: str
    alternative: Alternative
    level: float
    runs: tuple[int, int]
    count: int
    pairs: int
    missing: int
    pvalue: float

    @property
    def reject(self) -> bool:
        """Whether the claim is shown."""
        return self.pvalue <= self.level * _TOLERANCE

    def summary(self) -> str:
        """The result as a table."""
        rows = [
            ("claim", f"the new runs break {'later' if self.alternative == 'greater' else 'earlier'}"),
            ("shown", f"{'yes' if self.reject else 'no'}, p = {self.pvalue:.3g} at level {self.level:g}"),
            ("runs", "{} and {}".format(*self.runs)),
            ("surely so", f"{self.count} of {self.pairs} pairs"),
            ("missing", f"{self.missing}{', counted against the claim' if self.missing else ''}"),
        ]
        return table(self.title, rows)


def rank_test(
    new: BreakDoses, reference: BreakDoses, *, alternative: Alternative = "greater", level: float = 0.05
) -> RankTest:
    """Mann and Whitney's exact test on intervals: do the runs of a training break later than other runs?

    The null hypothesis is that all runs have one law. Five runs against five show no p below 1/252.

    Args:
        new: intervals of the dose that breaks a run, shape [new runs].
        reference: the same of the other training, on the same axis, shape [other runs].
        alternative: greater (the new runs break later) or less (earlier).
        level: one-sided error level.

    Raises:
        ValueError: no runs, an impossible interval, or an unknown alternative.

    >>> rank_test([(8, 16)] * 5, [(2, 4)] * 5).pvalue == 1 / 252
    True
    """
    one_of("alternative", alternative, Alternative)
    of_new, of_reference = _intervals(new), _intervals(reference)
    late, early = (of_new, of_reference) if alternative == "greater" else (of_reference, of_new)
    count = sum(_surely_later(one, other) for one in late for other in early)
    return RankTest(
        title="Exact rank test of two groups of runs (Mann and Whitney's)", alternative=alternative, level=level,
        runs=(len(of_new), len(of_reference)), count=count, pairs=len(of_new) * len(of_reference),
        missing=[*new, *reference].count(None), pvalue=_share(_rank_sums(len(of_new), len(of_reference)), count),
    )  # fmt: skip


def paired_rank_test(
    new: BreakDoses, reference: BreakDoses, *, alternative: Alternative = "greater", level: float = 0.05
) -> RankTest:
    """Wilcoxon's exact signed rank test on intervals: do runs break later than those they are paired with?

    It looks at the ratio of the two doses of a pair, over all 2^n exchanges of the two runs within their pairs. The
    null hypothesis is that the two runs of a pair have one law. Five pairs show no p below 1/32.

    Args:
        new: intervals of the dose that breaks a run, shape [pairs].
        reference: the same of the other run of each pair, on the same axis.
        alternative: greater (the new runs break later) or less (earlier).
        level: one-sided error level.

    Raises:
        ValueError: no runs, unequal numbers of them, an impossible interval, or an unknown alternative.

    >>> paired_rank_test([(8, 16)] * 5, [(2, 4)] * 5).pvalue == 1 / 32
    True
    """
    one_of("alternative", alternative, Alternative)
    same_length(new, reference, ("new runs", "other ones"))
    of_new, of_reference = _intervals(new), _intervals(reference)
    late, early = (of_new, of_reference) if alternative == "greater" else (of_reference, of_new)
    ends = [(ratio(*pair).low, pair[0].low == pair[0].high) for pair in zip(late, early, strict=True)]
    products = [(a * b, exact and also) for place, (a, exact) in enumerate(ends) for b, also in ends[place:]]
    count = sum(product > 1 or (product == 1 and not reached) for product, reached in products)
    return RankTest(
        title="Exact signed rank test of pairs of runs (Wilcoxon's)", alternative=alternative, level=level,
        runs=(len(of_new), len(of_reference)), count=count, pairs=len(products),
        missing=[*new, *reference].count(None), pvalue=_share(_signed_ranks(len(of_new)), count),
    )  # fmt: skip


def _intervals(doses: BreakDoses) -> list[Interval]:
    """What is known of each run; of one that was not read, nothing."""
    found = [Interval(0.0, None) if ends is None else Interval(*ends) for ends in doses]
    for low, high in found:
        if not 0 <= low < math.inf or not (high is None or low <= high):
            raise ValueError(f"an interval needs ends 0 <= low <= high, low finite, not {low} and {high}")
    if not found:
        raise ValueError("need at least one run of each")
    return found


def _surely_later(one: Interval, other: Interval) -> bool:
    """Whether a run breaks later whatever the intervals leave open; (x, x] is x itself, and a low end of 0 may be 0."""
    if other.high is None or one.low == 0:
        return False
    return one.low > other.high or (one.low == other.high and one.low != one.high)


def _rank_sums(new: int, reference: int) -> list[int]:
    """In how many orders 0, 1, ... pairs are in favour of the new runs: the coefficients of a Gaussian binomial."""
    ways = [1] + [0] * (new * reference)
    for i in range(1, new + 1):
        for count in reversed(range(reference + i, len(ways))):
            ways[count] -= ways[count - reference - i]
        for count in range(i, len(ways)):
            ways[count] += ways[count - i]
    return ways


def _signed_ranks(pairs: int) -> list[int]:
    """Of how many of the 2^n signs the positive ranks sum to 0, 1, ..."""
    ways = [1] + [0] * (pairs * (pairs + 1) // 2)
    for rank in range(1, pairs + 1):
        for total in reversed(range(rank, len(ways))):
            ways[total] += ways[total - rank]
    return ways


def _share(ways: Sequence[int], least: int) -> float:
    return sum(ways[least:]) / sum(ways)


@dataclass(frozen=True, kw_only=True)
class HolmTest:
    """Which of several claims are shown, the chance that any of these is false being at most the level.

    Attributes:
        level: error level of all claims together.
        pvalues: of each claim; one that is missing is 1.
        adjusted: of each claim the smallest level of all together at which it is shown, at most 1.
        missing: claims without a p-value, which count among the claims and are never shown.
    """

    level: float
    pvalues: tuple[float, ...]
    adjusted: tuple[float, ...]
    missing: int

    @property
    def rejected(self) -> tuple[bool, ...]:
        """Of each claim whether it is shown."""
        return tuple(p <= self.level * _TOLERANCE for p in self.adjusted)

    def summary(self) -> str:
        """The result as a table."""
        claims = zip(self.pvalues, self.adjusted, self.rejected, strict=True)
        rows = [
            (f"claim {place}", f"{'shown' if shown else 'not shown'}, p = {p:.3g}, adjusted {whole:.3g}")
            for place, (p, whole, shown) in enumerate(claims)
        ]
        shown = f"{sum(self.rejected)} of {len(self.pvalues)}, at level {self.level:g} together"
        return table("Holm's procedure", [("shown", shown), ("missing", f"{self.missing}"), *rows])


def holm(pvalues: Outcomes, *, level: float = 0.05) -> HolmTest:
    """Holm's step-down procedure, under any dependence of the p-values.

    The k-th smallest of m p-values is multiplied by m - k + 1, and no adjusted one is smaller than one before it.

    Args:
        pvalues: one for each claim that could have been picked, not only for those that were, shape [claims].
        level: error level of all claims together.

    Raises:
        ValueError: no p-values, one outside of 0 to 1, or an impossible level.

    >>> found = holm([0.01, 0.04, 0.03, 0.005])
    >>> [round(p, 3) for p in found.adjusted], found.rejected
    ([0.03, 0.06, 0.06, 0.02], (True, False, False, True))
    """
    given = read_numbers(pvalues)
    missing = np.isnan(given)
    p = np.where(missing, 1.0, given)
    if not 0 < level < 1 or p.min() < 0 or p.max() > 1:
        raise ValueError(f"need p-values from 0 to 1 and a level between 0 and 1, not {p.tolist()} and {level}")
    order = np.argsort(p, kind="stable")
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)))
    return HolmTest(
        level=level, pvalues=tuple(p.tolist()), adjusted=tuple(adjusted.tolist()), missing=int(missing.sum())
    )
