"""Exact tests of the items of one evaluation, or of two on the same items: plain arrays in, a result out.

Items are 0 or 1 (bools too), or losses; None, NaN and NA are missing. A missing item is never dropped: it counts
against the claim of the test, and a result says how many there are. Every level and every limit is one-sided. A result
has `reject` (the claim is shown), `pvalue`, `limits` (each at `level`) and `summary()`.

References:
    C. J. Clopper, E. S. Pearson (1934), The use of confidence or fiducial limits illustrated in the case of
    the binomial. Biometrika 26, 404-413.
    T. Tango (1998), Equivalence test and confidence interval for the difference in proportions for the
    paired-sample design. Statistics in Medicine 17, 891-908.
    Q. McNemar (1947), Note on the sampling error of the difference between correlated proportions or
    percentages. Psychometrika 12, 153-157; exact by the binomial law of the changes.
"""

from collections.abc import Sequence
from functools import partial

import numpy as np

from titer.stats.arguments import one_of, same_length
from titer.stats.binomial import Limits, at_least, at_most, lower_limit, upper_limit
from titer.stats.item_results import Alternative, PairedTest, RateTest
from titer.stats.noninferiority import Changes, Claim, compare_losses, count_changes
from titer.stats.outcomes import Outcomes, read_binary, read_flags, read_numbers
from titer.stats.tango import critical_score, exceedance, lower_score_limit, tango_score

CLAIMS: tuple[Claim, Claim] = ("noninferior", "inferior")
PAIRED = ("items of the new model", "items of the reference")
"""What two arrays of paired items have."""


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
        ValueError: no items, values other than 0, 1 and missing, or an unknown alternative.

    >>> found = rate_test([1] * 11 + [0] * 108 + [None], threshold=0.2)
    >>> found.reject, round(found.pvalue, 4), found.missing
    (True, 0.0025, 1)
    """
    one_of("alternative", alternative, Alternative)
    ones = read_binary(outcomes)
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
    margin; at other differences their level is that of the score, about `level`. Above 400 items they take seconds.

    Args:
        new: 1 where the new model is right, else 0, shape [items].
        reference: the same of the reference, on the same items in the same order.
        margin: the largest loss that is acceptable, between -1 and 1.
        alternative: noninferior (D > -margin) or inferior (D < -margin).
        level: one-sided error level.

    Raises:
        ValueError: the arrays differ in length, have values other than 0, 1 and missing, or the alternative is unknown.

    >>> found = noninferiority_test([1] * 95 + [0] * 5, [1] * 96 + [0] * 4, margin=0.05)
    >>> found.reject, found.better, found.worse, [round(limit, 3) for limit in found.limits]
    (True, 0, 1, [-0.046, 0.023])
    """
    one_of("alternative", alternative, Claim)
    if not -1 < margin < 1 or not 0 < level < 0.5:
        raise ValueError(f"need -1 < margin < 1 and 0 < level < 1/2, not {margin} and {level}")
    after, before = read_flags(new), read_flags(reference)
    same_length(after, before, PAIRED)
    n = len(after)
    above, below = (count_changes(after, before, claim) for claim in CLAIMS)
    if alternative == "noninferior":
        tested, score = above, tango_score(above.gains, above.losses, n, -margin)
    else:
        tested, score = below, tango_score(below.losses, below.gains, n, margin)
    return PairedTest(
        title="Exact test of a difference of paired rates (Tango's score)", alternative=alternative,
        claim=f"rate(new) - rate(reference) {'>' if alternative == 'noninferior' else '<'} {-margin:g}",
        margin=margin, level=level, items=n, better=tested.gains, worse=tested.losses,
        missing=_missing(after, before), estimate=(tested.gains - tested.losses) / n,
        pvalue=exceedance(float(score), n, margin if alternative == "noninferior" else -margin),
        find_limits=partial(_score_limits, above, below, margin, level),
    )  # fmt: skip


def mcnemar_test(
    new: Outcomes, reference: Outcomes, *, alternative: Alternative = "greater", level: float = 0.05
) -> PairedTest:
    """McNemar's exact test on paired items: whether more of those that change are gains than losses, or fewer.

    Under the null hypothesis a change is as likely a gain as a loss, so of c changes the gains are Bin(c, 1/2). It asks
    no margin; `noninferiority_test` at a margin of 0 asks the same, over all that the number of changes could be.

    Args:
        new: 1 where the new model is right, else 0, shape [items].
        reference: the same of the reference, on the same items in the same order.
        alternative: greater (the new model's rate is higher) or less.
        level: one-sided error level.

    Returns:
        The result; its estimate and its limits are of the share of changes that are gains, 1/2 where none changed.

    Raises:
        ValueError: the arrays differ in length, have values other than 0, 1 and missing, or the alternative is unknown.

    >>> found = mcnemar_test([1] * 7 + [0] + [1] * 20, [0] * 7 + [1] + [1] * 20)
    >>> found.better, found.worse, found.pvalue, found.reject
    (7, 1, 0.03515625, True)
    """
    one_of("alternative", alternative, Alternative)
    after, before = read_flags(new), read_flags(reference)
    same_length(after, before, PAIRED)
    above, below = (count_changes(after, before, claim) for claim in CLAIMS)
    tested = above if alternative == "greater" else below
    gains, changed = tested.gains, tested.gains + tested.losses
    return PairedTest(
        title="Exact test of paired changes (McNemar's)", alternative=alternative,
        claim=f"rate(new) {'>' if alternative == 'greater' else '<'} rate(reference)",
        margin=0.0, level=level, items=len(after), better=gains, worse=tested.losses,
        missing=_missing(after, before), estimate=gains / changed if changed else 0.5,
        pvalue=at_least(gains, changed, 0.5) if alternative == "greater" else at_most(gains, changed, 0.5),
        find_limits=partial(_gain_limits, above, below, level),
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

    Raises:
        ValueError: the arrays differ in length or have no finite numbers, or the alternative is unknown.

    >>> found = loss_test([2.0] * 97 + [9.0] * 3, [2.0] * 100, margin=0.1)
    >>> found.reject, found.worse, round(found.limits.high, 4)
    (True, 3, 0.0757)
    """
    after, before = read_numbers(new), read_numbers(reference)
    same_length(after, before, PAIRED)
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
        find_limits=partial(_share_limits, known, known + missing, n, level),
    )  # fmt: skip


def _score_limits(above: Changes, below: Changes, margin: float, level: float) -> Limits:
    """Those of a difference of rates; either has its own changes, a missing item counted against it."""
    n = above.items
    low = lower_score_limit(above.gains, above.losses, n, critical_score(n, margin, level))
    return Limits(low, -lower_score_limit(below.losses, below.gains, n, critical_score(n, -margin, level)))


def _gain_limits(above: Changes, below: Changes, level: float) -> Limits:
    """Those of the share of changes that are gains; 0 and 1 where nothing changed."""
    fewest, most = above.gains + above.losses, below.gains + below.losses
    low = lower_limit(above.gains, fewest, level) if fewest else 0.0
    return Limits(low, upper_limit(below.gains, most, level) if most else 1.0)


def _share_limits(fewest: int, most: int, items: int, level: float) -> Limits:
    return Limits(lower_limit(fewest, items, level), upper_limit(most, items, level))


def _missing(new: Sequence[bool | None], reference: Sequence[bool | None]) -> int:
    return sum(a is None or b is None for a, b in zip(new, reference, strict=True))
