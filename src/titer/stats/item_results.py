"""What a test of the items of one evaluation, or of two on the same items, came to: shown or not, p-value, limits."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from titer.stats.binomial import Limits
from titer.stats.noninferiority import Claim
from titer.stats.outcomes import table

Alternative = Literal["less", "greater"]

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

    Its limits are reckoned when they are first asked for: those of Tango's score take seconds above 400 items.

    Attributes:
        title: the test in words.
        alternative: the claim: noninferior or inferior; of McNemar's test greater or less.
        claim: the claim in signs.
        margin: the margin of the claim; 0 in McNemar's test.
        level: one-sided error level.
        items: all items (n).
        better: items at which the new model is better: right where the reference is wrong, or of lower loss.
        worse: items at which it is worse, for losses by more than the margin; missing ones counted against the claim.
        missing: items that one of the two lacks.
        estimate: the difference of rates, the share of items that got worse, or of the changes that are gains.
        pvalue: exact.
        find_limits: what reckons the limits.
    """

    title: str
    alternative: Claim | Alternative
    claim: str
    margin: float
    level: float
    items: int
    better: int
    worse: int
    missing: int
    estimate: float
    pvalue: float
    find_limits: Callable[[], Limits] = field(repr=False, compare=False)

    @property
    def reject(self) -> bool:
        """Whether the claim is shown."""
        return self.pvalue <= self.level * _TOLERANCE

    @cached_property
    def limits(self) -> Limits:
        """Limits of the quantity that is estimated, each at `level`."""
        return self.find_limits()

    def summary(self) -> str:
        """The result as a table."""
        return _summary(self.title, self.claim, self, [("better / worse", f"{self.better} / {self.worse}")])


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
