"""Scores of any unit before and after: does more than an acceptable share of items get worse?"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from titer.stats.arguments import one_of
from titer.stats.binomial import at_least, at_most, lower_limit, upper_limit
from titer.stats.noninferiority.rates import Claim
from titer.stats.outcomes import read_numbers

_LEVEL_TOLERANCE = 1 + 1e-12  # relative: a chance equal to its level up to rounding is within the level


@dataclass(frozen=True, kw_only=True)
class ShareComparison:
    """One claim about the share of items whose score gets worse by more than the margin; see `RateComparison`.

    Attributes:
        claim: noninferior (the share is at most `share`) or inferior (it is larger).
        estimate: the share of items that got worse.
        limit: Clopper-Pearson limit of the share: upper for noninferior, lower for inferior.
        margin: delta, in the unit of the scores.
        share: the largest acceptable share.
        worse: items that got worse by more than the margin.
        items: all items.
        mean: the mean difference over the items that both have, which nothing rests on; None where there are none.
    """

    claim: Claim
    shown: bool
    estimate: float
    limit: float
    margin: float
    share: float
    level: float
    worse: int
    items: int
    mean: float | None


def compare_losses(
    differences: Sequence[float | None], *, margin: float, share: float, level: float, claim: Claim
) -> ShareComparison:
    """Exact binomial test of the share of items that get worse by more than the margin.

    A missing difference counts as worse for noninferior, and as no worse for inferior; nothing is dropped.

    Args:
        differences: M* minus M per item, higher is better, in any unit (a loss with a minus sign).
        margin: delta in the same unit, 0 or more.
        share: the largest acceptable share of items that get worse, in (0, 1).
        level: one-sided error level.
        claim: noninferior or inferior.

    Raises:
        ValueError: no items, an infinite difference, an impossible margin, share or level, or an unknown claim.

    >>> found = compare_losses([0.0] * 97 + [-5.0] * 3, margin=0.1, share=0.1, level=0.05, claim="noninferior")
    >>> found.shown, found.worse, round(found.limit, 4)
    (True, 3, 0.0757)
    """
    one_of("claim", claim, Claim)
    if not margin >= 0 or not 0 < share < 1 or not 0 < level < 0.5:
        raise ValueError(f"need margin >= 0, 0 < share < 1, 0 < level < 1/2; not {margin}, {share}, {level}")
    found = read_numbers(differences)
    known = found[~np.isnan(found)].tolist()
    n, missing = len(found), len(found) - len(known)
    worse = sum(value < -margin for value in known) + (missing if claim == "noninferior" else 0)
    if claim == "noninferior":
        shown, limit = at_most(worse, n, share) <= level * _LEVEL_TOLERANCE, upper_limit(worse, n, level)
    else:
        shown, limit = at_least(worse, n, share) <= level * _LEVEL_TOLERANCE, lower_limit(worse, n, level)
    return ShareComparison(
        claim=claim, shown=shown, estimate=worse / n, limit=limit, margin=margin, share=share, level=level,
        worse=worse, items=n, mean=sum(known) / len(known) if known else None,
    )  # fmt: skip
