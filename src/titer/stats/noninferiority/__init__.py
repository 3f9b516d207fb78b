"""Before against after, on the same items: is D = rate(M*) - rate(M) above a margin -delta, or below it?

Higher values are better throughout; pass losses with a minus sign. Each function tests one claim at one
level: "noninferior" shows D > -delta by a lower limit, "inferior" shows D < -delta by an upper limit. A
negative margin asks for a gain: noninferior at -0.2 shows D > 0.2. Of losses the claim is about the share of
items that get worse: a mean of losses has no test of level 5 %, for a paired t errs in up to 90 % under rare
large losses.
"""

from titer.stats.noninferiority.means import MeanComparison, compare_crossed
from titer.stats.noninferiority.rates import Changes, Claim, RateComparison, compare_rates, count_changes
from titer.stats.noninferiority.shares import ShareComparison, compare_losses

__all__ = [
    "Changes",
    "Claim",
    "MeanComparison",
    "RateComparison",
    "ShareComparison",
    "compare_crossed",
    "compare_losses",
    "compare_rates",
    "count_changes",
]
