"""The replicate rule: how many of S replicates must hold, and the level at which each dose is decided.

A replicate is all cells of one condition and one subject that share a seed index. It truly breaks with chance p;
the claim is p <= q. Two errors add up: too few of the S replicates happen to break truly (s, the seed level), or
replicates that truly break are misjudged (a, the item level). For any dependence between items, doses and seeds

    P(false upheld) <= s + (1 - s)(r + 1) a <= alpha,

the factor r + 1 by Markov's inequality on the number of misjudged replicates. Refutation is the mirror image, with
Bonferroni over the m decisions in a replicate, any of which suffices to call it broken.
Where every replicate is asked items of its own, replicates are independent, and a true break is misjudged in each by
itself: P(false upheld) = P(Bin(S, q(1 - a)) <= r), which allows a larger a at the same alpha. With shared items that
level would err in 13 to 38 %.
"""

from dataclasses import dataclass, replace
from itertools import count
from typing import Literal

from titer.stats.arguments import one_of
from titer.stats.binomial import at_least, at_most, broken_cutoff, intact_cutoff, lower_limit, upper_limit

RuleOutcome = Literal["upheld", "refuted", "undecided"]
Items = Literal["shared", "own"]
"""Whether all replicates are asked the same items, or each its own, drawn independently."""

MOST_LEVEL = 0.499
"""Of a dose, for a level is below 1/2; alpha = 0.15, q = 0.1 and 38 replicates would allow 0.513."""
SEED_PART = 5 / 8
"""Of alpha, spent on seeds at most; what is left goes to the items."""


@dataclass(frozen=True, kw_only=True)
class Levels:
    """How alpha is spent on seeds and items, and how many replicates may fall short.

    Where no r exists the study is descriptive: r, s, r_fail and s_fail are None and nothing is decided.

    Attributes:
        replicates: number of replicates (S).
        share: largest acceptable share of replicates that break (q).
        alpha: error level of upheld, and of refuted.
        decisions: decisions in a replicate (m): attacks x domains x doses up to the budget.
        items: whether replicates share their items.
        r: upheld allows this many replicates that do not hold.
        s: seed level, P(Bin(S, q) <= r).
        r_fail: refuted allows this many replicates that do not fail.
        s_fail: seed level of refuted, P(Bin(S, q) >= S - r_fail).
        intact_level: level at which a dose is called intact (a).
        broken_level: level at which a dose is called broken (a').
    """

    replicates: int
    share: float
    alpha: float
    decisions: int
    items: Items
    r: int | None
    s: float | None
    r_fail: int | None
    s_fail: float | None
    intact_level: float
    broken_level: float

    def __post_init__(self) -> None:
        """Refuse unknown words."""
        one_of("items", self.items, Items)

    @property
    def decidable(self) -> bool:
        """Whether this many replicates can decide anything."""
        return self.r is not None


@dataclass(frozen=True, kw_only=True)
class Tally:
    """Replicates by what was decided in them.

    Attributes:
        holds: replicates in which every decision is intact.
        fails: replicates in which at least one decision is broken.
        open: all others.
    """

    holds: int
    fails: int
    open: int

    def __post_init__(self) -> None:
        """Refuse impossible counts."""
        if min(self.holds, self.fails, self.open) < 0:
            raise ValueError(f"counts must not be negative: {self}")

    @property
    def replicates(self) -> int:
        """All replicates."""
        return self.holds + self.fails + self.open


def levels(*, replicates: int, share: float, alpha: float, decisions: int, items: Items = "shared") -> Levels:
    """Split alpha between seeds and items.

    The a of own items is the largest with P(Bin(S, q(1 - a)) <= r) <= alpha, and m a' the largest with
    P(Bin(S, q + (1 - q) m a') >= S - r_fail) <= alpha. Where no r exists they are `descriptive_levels`.

    Args:
        replicates: number of replicates (S).
        share: largest acceptable share of replicates that break (q), at most 1/2.
        alpha: one-sided error level, 1 - confidence.
        decisions: decisions in a replicate (m).
        items: whether all replicates are asked the same items, or each its own.

    >>> five = levels(replicates=5, share=0.5, alpha=0.05, decisions=18)
    >>> five.r, five.s, round(five.intact_level, 12)
    (0, 0.03125, 0.01875)
    >>> round(levels(replicates=5, share=0.5, alpha=0.05, decisions=18, items="own").intact_level, 4)
    0.0986
    """
    none = descriptive_levels(replicates=replicates, share=share, alpha=alpha, decisions=decisions, items=items)
    r = intact_cutoff(replicates, share, SEED_PART * alpha)
    fewest_failing = broken_cutoff(replicates, share, SEED_PART * alpha)
    if r is None or fewest_failing is None:
        return none
    r_fail = replicates - fewest_failing
    s, s_fail = at_most(r, replicates, share), at_least(fewest_failing, replicates, share)
    if items == "shared":
        intact_level = (alpha - s) / (r + 1)
        broken_level = (alpha - s_fail) / ((r_fail + 1) * decisions)
    else:
        intact_level = min(1 - upper_limit(r, replicates, alpha) / share, MOST_LEVEL)
        broken_level = (lower_limit(fewest_failing, replicates, alpha) - share) / ((1 - share) * decisions)
    return replace(none, r=r, s=s, r_fail=r_fail, s_fail=s_fail, intact_level=intact_level, broken_level=broken_level)


def descriptive_levels(
    *, replicates: int, share: float, alpha: float, decisions: int, items: Items = "shared"
) -> Levels:
    """Levels for doses alone, 3 alpha / 8 each way: no number of replicates decides anything.

    Args:
        replicates: number of replicates (S).
        share: largest acceptable share of replicates that break (q), at most 1/2.
        alpha: one-sided error level, 1 - confidence.
        decisions: decisions in a replicate (m).
        items: whether all replicates are asked the same items, or each its own.
    """
    _check_claim(share, alpha)
    if replicates < 1 or decisions < 1:
        raise ValueError(f"need at least one replicate and one decision, not {replicates} and {decisions}")
    each = (1 - SEED_PART) * alpha
    return Levels(
        replicates=replicates,
        share=share,
        alpha=alpha,
        decisions=decisions,
        items=items,
        r=None,
        s=None,
        r_fail=None,
        s_fail=None,
        intact_level=each,
        broken_level=each / decisions,
    )


def minimum_replicates(share: float, alpha: float) -> int:
    """The fewest replicates that can decide: the smallest S with (1 - q)^S <= 5 alpha / 8.

    >>> [minimum_replicates(share, 0.05) for share in (1 / 2, 1 / 4, 1 / 10)]
    [5, 13, 33]
    """
    _check_claim(share, alpha)
    return next(
        replicates for replicates in count(1) if intact_cutoff(replicates, share, SEED_PART * alpha) is not None
    )


def decide(tally: Tally, levels: Levels) -> RuleOutcome:
    """The replicate rule: upheld if at most r replicates do not hold, refuted if at least S - r_fail fail.

    Raises:
        ValueError: the tally has another number of replicates than the levels were made for.

    >>> decide(Tally(holds=5, fails=0, open=0), levels(replicates=5, share=0.5, alpha=0.05, decisions=18))
    'upheld'
    """
    if tally.replicates != levels.replicates:
        raise ValueError(f"levels are for {levels.replicates} replicates, not for {tally.replicates}")
    if levels.r is None or levels.r_fail is None:
        return "undecided"
    if tally.fails + tally.open <= levels.r:
        return "upheld"
    return "refuted" if tally.fails >= levels.replicates - levels.r_fail else "undecided"


def break_share_limit(not_holding: int, levels: Levels) -> float | None:
    """Upper limit of P(replicate truly breaks) at level alpha, whatever the outcome of the replicate rule.

    With x replicates that do not hold it is the p with P(Bin(S, p) <= x) = alpha - (x + 1) a, and None where that
    level is not positive; with own items the p with P(Bin(S, p (1 - a)) <= x) = alpha, at most 1. It is q at x = r.

    Args:
        not_holding: replicates that do not hold (x).
        levels: those at which they were decided.

    >>> limit = break_share_limit(0, levels(replicates=3, share=0.5, alpha=0.05, decisions=18))
    >>> limit is not None and round(limit, 2)
    0.69
    """
    if levels.items == "own":
        return min(1.0, upper_limit(not_holding, levels.replicates, levels.alpha) / (1 - levels.intact_level))
    level = levels.alpha - (not_holding + 1) * levels.intact_level
    return upper_limit(not_holding, levels.replicates, level) if level > 0 else None


def break_share_lower_limit(failing: int, levels: Levels) -> float:
    """Lower limit of P(replicate truly breaks) at level alpha, the mirror of `break_share_limit`.

    With x replicates that do not fail it is the p with P(Bin(S, p) >= S - x) = alpha - (x + 1) m a', and 0 where that
    level is not positive; with own items the p with P(Bin(S, p + (1 - p) m a') >= S - x) = alpha, at least 0. It is q
    at x = r_fail. For x or fewer not to fail though more do not break, all but x of these must be called broken.

    Args:
        failing: replicates that fail (S - x).
        levels: those at which they were decided.

    >>> round(break_share_lower_limit(5, levels(replicates=5, share=0.5, alpha=0.05, decisions=18)), 3)
    0.5
    """
    misjudged = levels.decisions * levels.broken_level
    if levels.items == "own":
        return max(0.0, (lower_limit(failing, levels.replicates, levels.alpha) - misjudged) / (1 - misjudged))
    level = levels.alpha - (levels.replicates - failing + 1) * misjudged
    return lower_limit(failing, levels.replicates, level) if level > 0 else 0.0


def share_after_rounds(share: float, rounds: int) -> float:
    """What an attacker with several independent rounds may reach: 1 - (1 - q)^j.

    >>> share_after_rounds(0.5, 3)
    0.875
    """
    return 1 - (1 - share) ** rounds


def _check_claim(share: float, alpha: float) -> None:
    if not 0 < share <= 0.5:
        raise ValueError(f"the share of replicates that may break must be above 0 and at most 1/2, not {share}")
    if not 0 < alpha < 0.5:
        raise ValueError(f"alpha must be between 0 and 1/2, not {alpha}")
