"""The unit rule: how many of S units must hold, and the level at which each rung is read.

A unit is all cells of one condition and one subject that share a seed index. It truly breaks with chance p;
the claim is p <= q. Two errors add up: too few of the S units happen to break truly (s, the seed level), or
units that truly break are misread (a, the item level). For any dependence between items, rungs and seeds

    P(false upheld) <= s + (1 - s)(r + 1) a <= alpha,

the factor r + 1 by Markov's inequality on the number of misread units. Refutation is the mirror image, with
Bonferroni over the m readings of a unit, any of which suffices to call it broken.
"""

from dataclasses import dataclass
from itertools import count
from typing import Literal

from titer.stats.binomial import at_least, at_most, broken_cutoff, intact_cutoff, upper_limit

UnitWord = Literal["upheld", "refuted", "undecided"]

_SEED_PART = 5 / 8  # of alpha, spent on seeds at most; what is left goes to the items


@dataclass(frozen=True, kw_only=True)
class Levels:
    """How alpha is spent on seeds and items, and how many units may fall short.

    Where no r exists the study is descriptive: r, s, r_fail and s_fail are None and nothing is decided.

    Attributes:
        units: number of units (S).
        share: largest acceptable share of units that break (q).
        alpha: error level of upheld, and of refuted.
        readings: readings in a unit (m): attacks x domains x rungs up to the budget.
        r: upheld allows this many units that do not hold.
        s: seed level, P(Bin(S, q) <= r).
        r_fail: refuted allows this many units that do not fail.
        s_fail: seed level of refuted, P(Bin(S, q) >= S - r_fail).
        intact_level: level at which a rung is called intact (a).
        broken_level: level at which a rung is called broken (a').
    """

    units: int
    share: float
    alpha: float
    readings: int
    r: int | None
    s: float | None
    r_fail: int | None
    s_fail: float | None
    intact_level: float
    broken_level: float

    @property
    def decidable(self) -> bool:
        """Whether this many units can decide anything."""
        return self.r is not None


@dataclass(frozen=True, kw_only=True)
class Tally:
    """Units by what was read in them.

    Attributes:
        holds: units in which every reading is intact.
        fails: units in which at least one reading is broken.
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
    def units(self) -> int:
        """All units."""
        return self.holds + self.fails + self.open


def levels(*, units: int, share: float, alpha: float, readings: int) -> Levels:
    """Split alpha between seeds and items.

    Args:
        units: number of units (S).
        share: largest acceptable share of units that break (q), at most 1/2.
        alpha: one-sided error level, 1 - confidence.
        readings: readings in a unit (m).

    >>> five = levels(units=5, share=0.5, alpha=0.05, readings=18)
    >>> five.r, five.s, round(five.intact_level, 12)
    (0, 0.03125, 0.01875)
    """
    _check_claim(share, alpha)
    if units < 1 or readings < 1:
        raise ValueError(f"need at least one unit and one reading, not {units} and {readings}")
    r = intact_cutoff(units, share, _SEED_PART * alpha)
    fewest_failing = broken_cutoff(units, share, _SEED_PART * alpha)
    if r is None or fewest_failing is None:
        r = r_fail = s = s_fail = None
        intact_level = (1 - _SEED_PART) * alpha
        broken_level = intact_level / readings
    else:
        r_fail = units - fewest_failing
        s, s_fail = at_most(r, units, share), at_least(fewest_failing, units, share)
        intact_level = (alpha - s) / (r + 1)
        broken_level = (alpha - s_fail) / ((r_fail + 1) * readings)
    return Levels(
        units=units,
        share=share,
        alpha=alpha,
        readings=readings,
        r=r,
        s=s,
        r_fail=r_fail,
        s_fail=s_fail,
        intact_level=intact_level,
        broken_level=broken_level,
    )


def minimum_units(share: float, alpha: float) -> int:
    """The fewest units that can decide: the smallest S with (1 - q)^S <= 5 alpha / 8.

    >>> [minimum_units(share, 0.05) for share in (1 / 2, 1 / 4, 1 / 10)]
    [5, 13, 33]
    """
    _check_claim(share, alpha)
    return next(units for units in count(1) if intact_cutoff(units, share, _SEED_PART * alpha) is not None)


def decide(tally: Tally, levels: Levels) -> UnitWord:
    """The unit rule: upheld if at most r units do not hold, refuted if at least S - r_fail fail.

    Raises:
        ValueError: the tally has another number of units than the levels were made for.

    >>> decide(Tally(holds=5, fails=0, open=0), levels(units=5, share=0.5, alpha=0.05, readings=18))
    'upheld'
    """
    if tally.units != levels.units:
        raise ValueError(f"levels are for {levels.units} units, not for {tally.units}")
    if levels.r is None or levels.r_fail is None:
        return "undecided"
    if tally.fails + tally.open <= levels.r:
        return "upheld"
    return "refuted" if tally.fails >= levels.units - levels.r_fail else "undecided"


def break_share_limit(not_holding: int, levels: Levels) -> float | None:
    """Upper limit of P(unit truly breaks) at level alpha, whatever the word of the unit rule.

    With x units that do not hold it is the p with P(Bin(S, p) <= x) = alpha - (x + 1) a; None where that
    level is not positive. It equals q exactly at x = r.

    >>> limit = break_share_limit(0, levels(units=3, share=0.5, alpha=0.05, readings=18))
    >>> limit is not None and round(limit, 2)
    0.69
    """
    level = levels.alpha - (not_holding + 1) * levels.intact_level
    return upper_limit(not_holding, levels.units, level) if level > 0 else None


def share_after_rounds(share: float, rounds: int) -> float:
    """What an attacker with several independent rounds may reach: 1 - (1 - q)^j.

    >>> share_after_rounds(0.5, 3)
    0.875
    """
    return 1 - (1 - share) ** rounds


def _check_claim(share: float, alpha: float) -> None:
    if not 0 < share <= 0.5:
        raise ValueError(f"the share of units that may break must be above 0 and at most 1/2, not {share}")
    if not 0 < alpha < 0.5:
        raise ValueError(f"alpha must be between 0 and 1/2, not {alpha}")
