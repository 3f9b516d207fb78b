"""P-values of the replicate rule: the smallest level at which it would have decided as it did.

With r given, the rule upholds at a level that rises with the (r + 1)-th largest tail t of the replicates: s + (r + 1) t
for shared items, P(Bin(S, q (1 - t)) <= r) for own ones; and at no level below 8 s / 5, where this r is not yet used.
But r itself rises with the level, and each time it does the level of a dose falls. So the rule is not monotone: runs
that are upheld at some level may be undecided at a somewhat larger one, and the smallest of all levels that uphold
would err more often than it says. Hence, where the rule upholds at the test's own level, the p-value is the smallest
level from which on *every* level up to the own one upholds; where it does not, the smallest level at which the own r
would uphold. So

    p <= level exactly if upheld,    and P(p <= x) <= x at every x while the claim is false.

For at x up to the own level, p <= x says that the rule upholds at x; above it, that the rule with the own r does.
Either errs at most at x. Refuted is the mirror image.
"""

from collections.abc import Callable, Sequence

from titer.stats.binomial import at_least, at_most
from titer.stats.replicates import MOST_LEVEL, SEED_PART, Levels

_TOLERANCE = 1 + 1e-12  # relative: a chance equal to its level up to rounding is within the level


def upheld_pvalue(tails: Sequence[float], levels: Levels) -> float:
    """The p-value of upheld: at most the level of the test exactly if the rule upholds.

    Args:
        tails: of each replicate the largest P(Bin(n, threshold) <= k_high) over its doses, shape [replicates].
        levels: those of the test.

    >>> from titer.stats.replicates import levels
    >>> upheld_pvalue([0.001] * 5, levels(replicates=5, share=0.5, alpha=0.05, decisions=1))
    0.05
    """
    q, replicates = levels.share, levels.replicates

    def seeds(r: int) -> float:
        return at_most(r, replicates, q)

    def error(r: int, tail: float) -> float:
        if tail > MOST_LEVEL:
            return 1.0
        return at_most(r, replicates, q * (1 - tail)) if levels.items == "own" else seeds(r) + (r + 1) * tail

    return _pvalue(tails, levels, levels.r or 0, seeds, error)


def refuted_pvalue(tails: Sequence[float], levels: Levels) -> float:
    """The p-value of refuted: at most the level of the test exactly if the rule refutes.

    Args:
        tails: of each replicate the smallest P(Bin(n, threshold) >= k_low) over its doses, shape [replicates].
        levels: those of the test.
    """
    q, replicates = levels.share, levels.replicates

    def seeds(r: int) -> float:
        return at_least(replicates - r, replicates, q)

    def error(r: int, tail: float) -> float:
        misjudged = min(1.0, levels.decisions * tail)
        if levels.items == "own":
            return at_least(replicates - r, replicates, q + (1 - q) * misjudged)
        return seeds(r) + (r + 1) * misjudged

    return _pvalue(tails, levels, levels.r_fail or 0, seeds, error)


def _pvalue(
    tails: Sequence[float],
    levels: Levels,
    spared: int,
    seeds: Callable[[int], float],
    error: Callable[[int, float], float],
) -> float:
    """From the r of the test's level down, as long as the whole range of levels of an r decides.

    Args:
        tails: one per replicate.
        levels: those of the test.
        spared: the r of its level; 0 where that is too small for any.
        seeds: the seed level of an r.
        error: the level that an r spends on seeds and on replicates whose tails are at most so large.
    """
    ordered = sorted(tails)

    def least(r: int) -> float:
        return max(seeds(r) / SEED_PART, error(r, ordered[len(ordered) - r - 1]))

    found = least(spared)
    if found > levels.alpha * _TOLERANCE:
        return min(1.0, found)
    for r in reversed(range(spared)):
        first = seeds(r + 1) / SEED_PART  # the level from which on r + 1 is used
        if found > first or least(r) >= first:
            break
        found = least(r)
    return min(found, levels.alpha)
