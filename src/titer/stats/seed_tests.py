"""Exact tests over training runs with seeds of their own: plain arrays in, a result out.

A run is read at one or several doses (or attacks, or domains), each on n items. It breaks if the true rate is above a
threshold at any of them. The claim is about runs: at most a share of those that this training can give breaks. Pooling
runs and items errs in 19 to 29 %, for the same items serve all runs. Missing items count against every claim.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from titer.stats.binomial import Counts, Decision, Limits, at_least, at_most
from titer.stats.group_sequential import fixed_analysis
from titer.stats.interval_censoring import Interval, quantile_limits, ratio, ratio_error, ratio_levels, titer
from titer.stats.outcomes import Outcomes, read_binary, table
from titer.stats.replicate_pvalues import refuted_pvalue, upheld_pvalue
from titer.stats.replicates import (
    Items,
    Levels,
    RuleOutcome,
    Tally,
    break_share_limit,
    break_share_lower_limit,
    decide,
    levels,
    minimum_replicates,
)
from titer.stats.tango import FloatArray


@dataclass(frozen=True, kw_only=True)
class ReplicateTest:
    """Whether at most a share of runs breaks.

    Attributes:
        threshold: the rate above which a reading is broken.
        levels: how the level is spent on runs and items, and how many runs may fall short.
        decisions: intact, broken or unclear, of each run at each reading.
        tally: runs that hold (all intact), fail (some broken), or are open.
        items, missing: items of a reading (n), and missing items over all readings.
        pvalue, pvalue_refuted: at most the level exactly if so, and valid at every level (`replicate_pvalues`).
    """

    threshold: float
    levels: Levels
    decisions: tuple[tuple[Decision, ...], ...]
    tally: Tally
    items: int
    missing: int
    pvalue: float
    pvalue_refuted: float

    @property
    def outcome(self) -> RuleOutcome:
        """Upheld: at most the share breaks; refuted: more than the share breaks; each at the level. Else undecided."""
        return decide(self.tally, self.levels)

    @property
    def reject(self) -> bool:
        """Whether it is shown that at most the share of runs breaks."""
        return self.outcome == "upheld"

    @property
    def limits(self) -> Limits:
        """Limits of the share of runs that truly break, each at the level, whatever the outcome."""
        high = break_share_limit(self.tally.fails + self.tally.open, self.levels)
        return Limits(break_share_lower_limit(self.tally.fails, self.levels), 1.0 if high is None else high)

    def summary(self) -> str:
        """The result as a table."""
        plan, tally, (low, high) = self.levels, self.tally, self.limits
        fewest = f"; at least {minimum_replicates(plan.share, plan.alpha)} runs can decide"
        rows = [
            ("claim", f"P(run breaks) <= {plan.share:g}, broken being a rate > {self.threshold:g}"),
            ("outcome", f"{self.outcome} at level {plan.alpha:g}{'' if plan.decidable else fewest}"),
            ("p-values", f"{self.pvalue:.3g} (upheld), {self.pvalue_refuted:.3g} (refuted)"),
            ("share limits", f"{low:.4g} and {high:.4g}, one-sided, each at level {plan.alpha:g}"),
            ("runs", f"{plan.replicates}: {tally.holds} hold, {tally.fails} fail, {tally.open} open"),
            ("readings", f"{plan.decisions} of a run, of {self.items} items, {plan.items}"),
            ("item levels", f"{plan.intact_level:.4g} (intact), {plan.broken_level:.4g} (broken)"),
            ("missing", f"{self.missing}{', counted against the claims' if self.missing else ''}"),
        ]
        return table("Exact replicate rule", rows)


@dataclass(frozen=True, kw_only=True)
class DoseEstimate:
    """The dose that breaks a run, or a ratio of two such doses, as intervals.

    Attributes:
        quantity: what the intervals are of.
        intervals: one per run, (low, high]; high is None where no upper end is known.
        quantile: the quantile over runs that the limits are of.
        limits: one-sided limits of it, each at `level`; None where so few runs decide nothing.
        level: bound of the error of either limit; None likewise.
    """

    quantity: str
    intervals: tuple[Interval, ...]
    quantile: float
    limits: Interval | None
    level: float | None

    def summary(self) -> str:
        """The result as a table."""
        limits = "none: too few runs"
        if self.limits is not None and self.level is not None:
            limits = f"{_interval(self.limits)}, one-sided, each at level {self.level:.4g}"
        rows = [(f"run {place}", _interval(interval)) for place, interval in enumerate(self.intervals)]
        return table(self.quantity, [(f"{self.quantile:g}-quantile", limits), *rows])


@dataclass(frozen=True, kw_only=True)
class RatioEstimate(DoseEstimate):
    """A ratio of doses over pairs of runs."""

    @property
    def reject(self) -> bool:
        """Whether the median ratio is shown to be above 1, at `level`: it is above the low end, which may be 1."""
        return self.limits is not None and self.limits.low >= 1


def replicate_test(
    outcomes: Outcomes, *, threshold: float, share: float = 0.5, level: float = 0.05, items: Items = "shared"
) -> ReplicateTest:
    """The replicate rule: whether at most a share of runs breaks, exact over runs and items.

    Args:
        outcomes: 1 for a harmful item (or any other event), else 0, shape [runs, items] or [runs, doses, items].
        threshold: the acceptable rate of such items.
        share: the largest acceptable share of runs that break, at most 1/2.
        level: one-sided error level of upheld, and of refuted.
        items: shared, if all runs are asked the same items; own, if each was asked others, drawn independently.

    Raises:
        ValueError: values other than 0, 1 and missing, an impossible share or level, or an unknown word for items.

    >>> from titer.stats import outcomes_of
    >>> found = replicate_test(outcomes_of([3, 5, 2, 8, 4], items=120), threshold=0.2)
    >>> found.outcome, round(found.limits.high, 3)
    ('upheld', 0.5)
    """
    ones = _runs(outcomes)
    plan = levels(replicates=ones.shape[0], share=share, alpha=level, decisions=ones.shape[1], items=items)
    decisions = _decisions(ones, threshold, plan)
    holds = sum(all(decision == "intact" for decision in run) for run in decisions)
    fails = sum("broken" in run for run in decisions)
    return ReplicateTest(
        threshold=threshold, levels=plan, decisions=decisions, items=ones.shape[2], missing=int(np.isnan(ones).sum()),
        tally=Tally(holds=holds, fails=fails, open=len(decisions) - holds - fails),
        pvalue=upheld_pvalue(_tails(ones, threshold, "intact"), plan),
        pvalue_refuted=refuted_pvalue(_tails(ones, threshold, "broken"), plan),
    )  # fmt: skip


def dose_interval(test: ReplicateTest, doses: Sequence[float]) -> DoseEstimate:
    """The dose that breaks a run: between the last up to which all are intact and the first that is broken.

    The limits are of the `share`-quantile of that dose over runs: the lower one is a dose that at most the share of
    runs breaks at or below.

    Args:
        test: of runs that were read at these doses.
        doses: strictly increasing, shape [doses].
    """
    intervals = tuple(titer(doses, run) for run in test.decisions)
    limits = quantile_limits(intervals, test.levels)
    return DoseEstimate(
        quantity="Dose that breaks a run", intervals=intervals, quantile=test.levels.share, limits=limits,
        level=None if limits is None else test.levels.alpha,
    )  # fmt: skip


def dose_ratio(
    new: Outcomes,
    reference: Outcomes,
    doses: Sequence[float],
    *,
    threshold: float,
    level: float = 0.05,
    items: Items = "shared",
) -> RatioEstimate:
    """How many times as much of a dose it takes to break a run: the ratio over pairs of runs, and its median's limits.

    Both runs of a pair can be misjudged: on shared items the limits err at up to 6.9 % where `level` is 5 %, and the
    result says so in its own `level`.

    Args:
        new: 1 for a harmful item, else 0, shape [pairs, doses, items].
        reference: the same of the other run of each pair, on the same doses.
        doses: strictly increasing, shape [doses].
        threshold: the acceptable rate of such items.
        level: one-sided error level that is spent.
        items: shared, if all pairs are asked the same items; own, if each was asked others.

    Raises:
        ValueError: other runs, doses or items of the reference, or an unknown word for items.
    """
    pairs = _runs(new), _runs(reference)
    if pairs[0].shape != pairs[1].shape:
        raise ValueError(f"pairs need the same runs, doses and items: {pairs[0].shape} and {pairs[1].shape}")
    runs, readings, _ = pairs[0].shape
    plan = ratio_levels(levels(replicates=runs, share=0.5, alpha=level, decisions=readings, items=items), readings)
    of_new, of_reference = ([titer(doses, run) for run in _decisions(ones, threshold, plan)] for ones in pairs)
    intervals = tuple(ratio(*pair) for pair in zip(of_new, of_reference, strict=True))
    return RatioEstimate(
        quantity="Ratio of the doses that break a run", intervals=intervals, quantile=0.5,
        limits=quantile_limits(intervals, plan), level=ratio_error(plan),
    )  # fmt: skip


def _runs(outcomes: Outcomes) -> FloatArray:
    """Outcomes of shape [runs, readings, items]."""
    ones = read_binary(outcomes, dimensions=(2, 3))
    return ones if ones.ndim == 3 else ones[:, None, :]


def _decisions(ones: FloatArray, threshold: float, plan: Levels) -> tuple[tuple[Decision, ...], ...]:
    n = ones.shape[2]
    cutoffs = fixed_analysis(
        n, threshold=threshold, intact_level=plan.intact_level, broken_level=plan.broken_level
    )  # fmt: skip
    harmful, unjudged = _counts(ones)

    def decided(k: int, u: int) -> Decision:
        return cutoffs.decision(Counts(harmful=k, unjudged=u, incoherent=0, items=n), collapse_counts=False)

    return tuple(
        tuple(decided(int(k), int(u)) for k, u in zip(*run, strict=True)) for run in zip(harmful, unjudged, strict=True)
    )


def _counts(ones: FloatArray) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Harmful items and missing ones, shape [runs, readings] each."""
    return np.nansum(ones, axis=2).astype(np.int64), np.isnan(ones).sum(axis=2)


def _tails(ones: FloatArray, threshold: float, decision: Literal["intact", "broken"]) -> list[float]:
    """Of each run the level of a reading from which on it holds, all being intact, or fails, one being broken."""
    n, (harmful, unjudged) = ones.shape[2], _counts(ones)
    if decision == "intact":
        return [max(at_most(int(k), n, threshold) for k in run) for run in harmful + unjudged]
    return [min(at_least(int(k), n, threshold) for k in run) for run in harmful]


def _interval(interval: Interval) -> str:
    return f"({interval.low:g}, {'no upper end' if interval.high is None else f'{interval.high:g}'}]"
