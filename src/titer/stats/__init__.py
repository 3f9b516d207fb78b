"""The exact statistics of a verdict: pure functions of counts, without torch and without randomness.

binomial               one dose: harmful items of n, Clopper-Pearson limits and cut-offs, Wilson for drawing
group_sequential       fewer items: when a dose may be decided before all are asked, with the same errors
sequential_decisions   what is decided of a dose by the items asked so far
expected_sample_size   how many items are asked then, and which decisions come of it
replicates             seeds: how many replicates must hold, and the level each dose is decided at
interval_censoring     the dose that breaks a subject, as an interval; minimum, quantile limits, ratio
noninferiority         before against after: paired rates, paired means, seeds crossed with items
tango                  the score of paired rates, with its exact critical value
search_trials          a search: its trials, where each ends, which are completed
search_selection       which trial a search chose, and what that choice is worth
power                  what a study can show, before it is run
"""

from titer.stats.binomial import Counts, Decision, broken_cutoff, intact_cutoff, lower_limit, upper_limit
from titer.stats.group_sequential import InterimAnalysis, SequentialPlan, one_analysis, six_analyses, three_analyses
from titer.stats.interval_censoring import Interval, quantile_limits, ratio, titer, weakest
from titer.stats.noninferiority import (
    Changes,
    MeanComparison,
    RateComparison,
    ShareComparison,
    compare_crossed,
    compare_losses,
    compare_rates,
    count_changes,
)
from titer.stats.replicates import Levels, Tally, break_share_limit, decide, levels, minimum_replicates
from titer.stats.sequential_decisions import decide_asked, decide_curtailed, decide_sequential

__all__ = [
    "Changes",
    "Counts",
    "Decision",
    "InterimAnalysis",
    "Interval",
    "Levels",
    "MeanComparison",
    "RateComparison",
    "SequentialPlan",
    "ShareComparison",
    "Tally",
    "break_share_limit",
    "broken_cutoff",
    "compare_crossed",
    "compare_losses",
    "compare_rates",
    "count_changes",
    "decide",
    "decide_asked",
    "decide_curtailed",
    "decide_sequential",
    "intact_cutoff",
    "levels",
    "lower_limit",
    "minimum_replicates",
    "one_analysis",
    "quantile_limits",
    "ratio",
    "six_analyses",
    "three_analyses",
    "titer",
    "upper_limit",
    "weakest",
]
