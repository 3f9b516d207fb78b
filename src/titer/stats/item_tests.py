"""Exact tests of the items of one evaluation, or of two on the same items: plain arrays in, a result out.

Items are 0 or 1 (bools too), or losses; None and NaN are missing. A missing item is never dropped: it counts against
the claim of the test, and a result says how many there are. Every level and every limit is one-sided. A result has
`reject` (the claim is shown), `pvalue`, `limits` (each at `level`) and `summary()`.

References:
    C. J. Clopper, E. S. Pearson (1934), The use of confidence or fiducial limits illustrated in the case of
    the binomial. Biometrika 26, 404-413.
    T. Tango (1998), Equivalence test and confidence interval for the difference in proportions for the
    paired-sample design. Statistics in Medicine 17, 891-908.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from titer.stats.binomial import Limits, at_least, at_most, lower_limit, upper_limit
from titer.stats.noninferiority import Claim, compare_losses, count_changes
from titer.stats.outcomes import Outcomes, read_binary, read_numbers, table
from titer.stats.tango import FloatArray, critical_score, exceedance, lower_score_limit, tango_score

Alternative = Literal["less", "greater"]

CLAIMS: tuple[Claim, Claim] = ("noninferior", "inferior")
_TOLERANCE = 1 + 1e-12  # relative: a chance equal to its level up to rounding is within the level


@dataclass(frozen=True, kw_only=True)
class RateTest:
    """Whether the rate of items that are 1 lies below a threshold, or above it.

    Attributes:
        alternative: the claim, as scipy names it: less or greater than the threshold.
        threshold: the rate of the null hypothesis.
        level: one-sided error level.
        items: all items (n).
        successes: items that are 1.
        missing: items that count as 1 for less and for the upper limit, as 0 for greater and for the lower limit.
        pvalue: the exact binomial tail, that of `scipy.stats.binomtest`.
        limits: Clopper and Pearson's, each at `level`.
    """

    alternative: Alternative
    threshold: float
    level: float
    items: int
    successes: int
    missing: int
    pvalue: float
    limits: Limits

    @property
    def reject(self) -> bool:
        """Whether the claim is shown."""
        return self.pvalue <= self.level * _TOLERANCE

    @property
    def estimate(self) -> float:
        """The rate, missing items counted against the claim."""
        return (self.successes + (self.missing if self.alternative == "less" else 0)) / self.items

    def summary(self) -> str:
        """The result as a table."""
        claim = f"rate {'<' if self.alternative == 'less' else '>'} {self.threshold:g}"
        return _summary("Exact binomial test of a rate", claim, self, [("ones", str(self.successes))])


@dataclass(frozen=True, kw_only=True)
class PairedTest:
    """Whether a model is no worse than another on the same items by more than a margin, or is worse by more.

    Attributes:
        title: the test in words.
        alternative: the claim: noninferior or inferior.
        claim: the claim in signs.
        margin: the margin of the claim.
        level: one-sided error level.
        items: all items (n).
        better: items at which the new model is better: right where the reference is wrong, or of lower loss.
        worse: items at which it is worse, for losses by more than the margin; missing ones counted against the claim.
        missing: items that one of the two lacks.
        estimate: the difference of rates, or the share of items that got worse.
        pvalue: exact.
        limits: of the same quantity, each at `level`.
    """

    title: str
    alternative: Claim
    claim: str
    margin: float
    level: float
    items: int
    better: int
    worse: int
    missing: int
    estimate: float
    pvalue: float
    limits: Limits

    @property
    def reject(self) -> bool:
        """Whether the claim is shown."""
        return self.pvalue <= self.level * _TOLERANCE

    def summary(self) -> str:
        """The result as a table."""
        return _summary(self.title, self.claim, self, [("better / worse", f"{self.better} / {self.worse}")])


def rate_test(
    outcomes: Outcomes, threshold: float, *, alternative: Alternative = "less", level: float = 0.05
) -> RateTest:
    """Exact test of a rate against a threshold, with the limits of Clopper and Pearson.

    Args:
        outcomes: 0 or 1 per item, shape [items].
        threshold: the rate of the null hypothesis.
        alternative: the claim, less or greater than the threshold.
        level: one-sided error level.

    Raises:
        ValueError: no items, or values other than 0, 1 and missing.

    >>> found = rate_test([1] * 11 + [0] * 108 + [None], threshold=0.2)
    >>> found.reject, round(found.pvalue, 4), found.missing
    (True, 0.0025, 1)
    """
    ones = read_binary(outcomes, dimensions=1)
    n, k, missing = len(ones), int(np.nansum(ones)), int(np.isnan(ones).sum())
    tail = at_most(k + missing, n, threshold) if alternative == "less" else at_least(k, n, threshold)
    return RateTest(
        alternative=alternative, threshold=threshold, level=level, items=n, successes=k, missing=missing,
        pvalue=tail, limits=Limits(lower_limit(k, n, level), upper_limit(k + missing, n, level)),
    )  # fmt: skip


def noninferiority_test(
    new: Outcomes, reference: Outcomes, *, margin: float, alternative: Claim = "noninferior", level: float = 0.05
) -> PairedTest:
    """Tango's score test of D = rate(new) - rate(reference) on paired items, with its exact unconditional p-value.

    The limits invert the score with the exact critical value at the margin. So they agree with the test at this
    margin; at other differences their level is that of the score, about `level`. Above 1,000 items they take seconds.

    Args:
        new: 1 where the new model is right, else 0, shape [items].
        reference: the same of the reference, on the same items in the same order.
        margin: the largest loss that is acceptable, between -1 and 1.
        alternative: noninferior (D > -margin) or inferior (D < -margin).
        level: one-sided error level.

    Raises:
        ValueError: the arrays differ in length, or have values other than 0, 1 and missing.

    >>> found = noninferiority_test([1] * 95 + [0] * 5, [1] * 96 + [0] * 4, margin=0.05)
    >>> found.reject, found.better, found.worse, [round(limit, 3) for limit in found.limits]
    (True, 0, 1, [-0.046, 0.023])
    """
    if not -1 < margin < 1 or not 0 < level < 0.5:
        raise ValueError(f"need -1 < margin < 1 and 0 < level < 1/2, not {margin} and {level}")
    after, before = _pair(read_binary(new, dimensions=1), read_binary(reference, dimensions=1))
    n, right, right_before = len(after), _flags(after), _flags(before)
    above, below = (count_changes(right, right_before, claim) for claim in CLAIMS)
    low = lower_score_limit(above.gains, above.losses, n, critical_score(n, margin, level))
    high = -lower_score_limit(below.losses, below.gains, n, critical_score(n, -margin, level))
    if alternative == "noninferior":
        tested, score = above, tango_score(above.gains, above.losses, n, -margin)
    else:
        tested, score = below, tango_score(below.losses, below.gains, n, margin)
    return PairedTest(
        title="Exact test of a difference of paired rates (Tango's score)", alternative=alternative,
        claim=f"rate(new) - rate(reference) {'>' if alternative == 'noninferior' else '<'} {-margin:g}",
        margin=margin, level=level, items=n, better=tested.gains, worse=tested.losses,
        missing=int(np.isnan(after + before).sum()), estimate=(tested.gains - tested.losses) / n,
        pvalue=exceedance(float(score), n, margin if alternative == "noninferior" else -margin),
        limits=Limits(low, high),
    )  # fmt: skip


def loss_test(
    new: Outcomes,
    reference: Outcomes,
    *,
    margin: float,
    share: float = 0.1,
    alternative: Claim = "noninferior",
    level: float = 0.05,
) -> PairedTest:
    """Exact test of the share of items whose loss is larger by more than a margin.

    Not of the mean: a mean of losses has no test that keeps its level, for a paired t errs in up to 90 % under rare
    large losses (`titer.stats.noninferiority`).

    Args:
        new: loss per item of the new model, lower is better, in any unit, shape [items].
        reference: the same of the reference, on the same items in the same order.
        margin: the largest rise of an item's loss that is acceptable, in the same unit, 0 or more.
        share: the largest acceptable share of items whose loss rises by more.
        alternative: noninferior (the share is at most `share`) or inferior (it is larger).
        level: one-sided error level.

    >>> found = loss_test([2.0] * 97 + [9.0] * 3, [2.0] * 100, margin=0.1)
    >>> found.reject, found.worse, round(found.limits.high, 4)
    (True, 3, 0.0757)
    """
    after, before = _pair(read_numbers(new, dimensions=1), read_numbers(reference, dimensions=1))
    differences = [None if np.isnan(value) else float(value) for value in before - after]
    found = compare_losses(differences, margin=margin, share=share, level=level, claim=alternative)
    n, worse, missing = found.items, found.worse, differences.count(None)
    known = worse - (missing if alternative == "noninferior" else 0)
    return PairedTest(
        title="Exact binomial test of the share of items whose loss rises", alternative=alternative,
        claim=f"share rising by more than {margin:g} {'<=' if alternative == 'noninferior' else '>'} {share:g}",
        margin=margin, level=level, items=n, better=sum(d is not None and d > 0 for d in differences), worse=worse,
        missing=missing, estimate=found.estimate,
        pvalue=at_most(worse, n, share) if alternative == "noninferior" else at_least(worse, n, share),
        limits=Limits(lower_limit(known, n, level), upper_limit(known + missing, n, level)),
    )  # fmt: skip


def _summary(title: str, claim: str, test: RateTest | PairedTest, facts: Sequence[tuple[str, str]]) -> str:
    """What every result says, under a title; facts are rows of its own."""
    low, high = test.limits
    rows = [
        ("claim", claim),
        ("shown", f"{'yes' if test.reject else 'no'}, p = {test.pvalue:.3g} at level {test.level:g}"),
        ("estimate", f"{test.estimate:.4g}"),
        ("limits", f"{low:.4g} and {high:.4g}, one-sided, each at level {test.level:g}"),
        ("items", str(test.items)),
        ("missing", f"{test.missing}{', counted against the claim' if test.missing else ''}"),
        *facts,
    ]
    return table(title, rows)


def _pair(new: FloatArray, reference: FloatArray) -> tuple[FloatArray, FloatArray]:
    if len(new) != len(reference):
        raise ValueError(f"pairs need the same items: {len(new)} of the new model, {len(reference)} of the reference")
    return new, reference


def _flags(values: FloatArray) -> list[bool | None]:
    return [None if np.isnan(value) else bool(value) for value in values]
