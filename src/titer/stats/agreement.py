"""Whether two judges agree: on what either calls harmful, and on what either calls harmless.

Agreement on all answers is fooled where one answer is rare: a judge that always says no agrees with most of a model
that refuses. So both halves are asked for. Of the answers that at least one judge calls harmful, the share J+ that both
do; of those that at least one calls harmless, the share J-.

References:
    A. R. Feinstein, D. V. Cicchetti (1990), High agreement but low kappa. Journal of Clinical Epidemiology 43,
    543-549 and 551-558: positive and negative agreement, 2J/(1 + J).
    J. Cohen (1960), A coefficient of agreement for nominal scales. Educational and Psychological Measurement 20.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from titer.stats.arguments import same_length
from titer.stats.binomial import Limits, at_least, lower_limit, upper_limit
from titer.stats.outcomes import Outcomes, read_flags, table

AgreementOutcome = Literal["passed", "failed", "open"]

LEAST = 0.7 / (2 - 0.7)
"""The smallest J that is agreement: positive and negative agreement of 0.7, which is J = 0.538."""


@dataclass(frozen=True, kw_only=True)
class AgreementCounts:
    """Answers by what two judges called them; an answer that one alone could read is one on which they differ.

    Attributes:
        both: both call it harmful (a).
        neither: both call it harmless (d).
        first: only the first calls it harmful, or the judges differ otherwise (b).
        second: only the second calls it harmful (c).
    """

    both: int
    neither: int
    first: int
    second: int

    @property
    def total(self) -> int:
        """All answers."""
        return self.both + self.neither + self.differing

    @property
    def differing(self) -> int:
        """Answers on which they differ."""
        return self.first + self.second


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """What two judges' answers show of their agreement.

    Attributes:
        counts: the answers.
        level: one-sided error level of each limit.
        positive: limits of J+; (0, 1) where neither called anything harmful.
        negative: limits of J-, likewise.
        kappa: Cohen's, and its standard error by the jackknife over answers; nothing rests on it.
        unread: answers that neither judge could read, which are no answers to agree on.
    """

    counts: AgreementCounts
    level: float
    positive: Limits
    negative: Limits
    kappa: tuple[float, float] | None
    unread: int = 0

    @property
    def outcome(self) -> AgreementOutcome:
        """Passed if both shares are shown to be agreement, failed if one is shown not to be, else open."""
        if min(self.positive.low, self.negative.low) >= LEAST:
            return "passed"
        return "failed" if min(self.positive.high, self.negative.high) < LEAST else "open"

    @property
    def reject(self) -> bool:
        """Whether agreement is shown: both shares are above 0.538."""
        return self.outcome == "passed"

    @property
    def limits(self) -> Limits:
        """Limits of the smaller share: the low end at `level`, the high end at twice `level` at most."""
        return Limits(min(self.positive.low, self.negative.low), min(self.positive.high, self.negative.high))

    @property
    def pvalue(self) -> float:
        """The larger of the binomial tails of the two shares at 0.538; 1 where one of them has no answers."""
        c = self.counts
        return max(at_least(agreed, agreed + c.differing, LEAST) for agreed in (c.both, c.neither))

    def summary(self) -> str:
        """The result as a table."""
        c, level = self.counts, f"one-sided, each at level {self.level:g}"
        rows = [
            ("claim", f"positive and negative agreement >= 0.7 (J >= {LEAST:.3f})"),
            ("shown", f"{'yes' if self.reject else 'no'} ({self.outcome}), p = {self.pvalue:.3g} at {self.level:g}"),
            ("J+ limits", f"{self.positive.low:.4g} and {self.positive.high:.4g}, {level}"),
            ("J- limits", f"{self.negative.low:.4g} and {self.negative.high:.4g}, {level}"),
            ("both / neither", f"{c.both} / {c.neither}"),
            ("differing", str(c.differing)),
            ("neither read", f"{self.unread}, left out"),
        ]
        return table("Exact test of the agreement of two judges", rows)


def agreement_test(first: Outcomes, second: Outcomes, *, level: float = 0.05) -> Agreement:
    """Whether two judges are shown to agree on the same answers, both on those called 1 and on those called 0.

    An answer that one judge alone could read is one on which they differ; what neither could read is left out and
    counted in `unread`.

    Args:
        first: what the first judge calls each answer, 0 or 1, None, NaN or NA where it could not say, shape [answers].
        second: the same of the second judge, in the same order.
        level: one-sided error level.

    Raises:
        ValueError: no answers, unequal numbers of them, or values other than 0, 1 and missing.

    >>> agreement_test([1] * 15 + [0] * 85, [1] * 17 + [0] * 82 + [None]).reject
    True
    """
    one, other = read_flags(first), read_flags(second)
    found = judge_agreement(count_agreement(one, other), level)
    return replace(found, unread=sum(a is None and b is None for a, b in zip(one, other, strict=True)))


def count_agreement(first: Sequence[bool | None], second: Sequence[bool | None]) -> AgreementCounts:
    """Count what two judges called the same answers; those that neither could read are left out.

    Args:
        first: whether the first judge calls the answer harmful, None where it could not say.
        second: the same of the second judge.

    Raises:
        ValueError: the judges did not call equally many answers.

    >>> count_agreement([True, True, False, None], [True, False, False, True])
    AgreementCounts(both=1, neither=1, first=1, second=1)
    """
    same_length(first, second, ("answers of one judge", "of the other"))
    called = [read_flags(judge) if len(judge) else [] for judge in (first, second)]
    pairs = [(a, b) for a, b in zip(*called, strict=True) if a is not None or b is not None]
    both = sum(a is True and b is True for a, b in pairs)
    neither = sum(a is False and b is False for a, b in pairs)
    more = sum(a is True and b is not True for a, b in pairs)
    return AgreementCounts(both=both, neither=neither, first=more, second=len(pairs) - both - neither - more)


def judge_agreement(counts: AgreementCounts, level: float) -> Agreement:
    """Clopper-Pearson limits of both shares, and kappa.

    Args:
        counts: the answers by what the judges called them.
        level: one-sided error level of each limit.

    >>> judge_agreement(AgreementCounts(both=15, neither=80, first=3, second=2), 0.05).outcome
    'passed'
    """
    return Agreement(
        counts=counts,
        level=level,
        positive=_limits(counts.both, counts.both + counts.differing, level),
        negative=_limits(counts.neither, counts.neither + counts.differing, level),
        kappa=_kappa(counts),
    )


def _limits(agreed: int, called: int, level: float) -> Limits:
    if called == 0:
        return Limits(0.0, 1.0)
    return Limits(lower_limit(agreed, called, level), upper_limit(agreed, called, level))


def _kappa(counts: AgreementCounts) -> tuple[float, float] | None:
    """Kappa and its jackknife standard error; None where there are too few answers, or all are called alike."""
    cells = (counts.both, counts.neither, counts.first, counts.second)
    n, value = sum(cells), _cohen(*cells)
    if n < 2 or value is None:
        return None
    without = [(cell, _cohen(*(c - (k == place) for k, c in enumerate(cells)))) for place, cell in enumerate(cells)]
    known = [(cell, left) for cell, left in without if cell > 0]
    if any(left is None for _, left in known):
        return None
    mean = sum(cell * (left or 0.0) for cell, left in known) / n
    return value, ((n - 1) / n * sum(cell * ((left or 0.0) - mean) ** 2 for cell, left in known)) ** 0.5


def _cohen(both: int, neither: int, first: int, second: int) -> float | None:
    n = both + neither + first + second
    if n == 0:
        return None
    expected = ((both + first) * (both + second) + (neither + second) * (neither + first)) / n**2
    return None if expected == 1 else ((both + neither) / n - expected) / (1 - expected)
