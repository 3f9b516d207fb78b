"""The exact statistics of a verdict, without torch and without randomness.

As a library, with arrays in and results with `reject`, `limits` and `summary()` out:

item_tests             one model or two on the same items: a rate, paired rates, paired losses
item_results           what these come to
seed_tests             training runs with seeds of their own: the share that breaks, the dose that does it, the ratio
rank_tests             runs of two trainings by the intervals in which they break; several p-values at one level
outcomes               how arrays are read: 0, 1 and missing
arguments              unknown words and unequal lengths are errors

Underneath, pure functions of counts:

binomial               one dose: harmful items of n, Clopper-Pearson limits and cut-offs, Wilson for drawing
group_sequential       fewer items: when a dose may be decided before all are asked, with the same errors
sequential_decisions   what is decided of a dose by the items asked so far; a sequential test of a rate
expected_sample_size   how many items are asked then, and which decisions come of it
replicates             seeds: how many replicates must hold, and the level each dose is decided at; limits of the share
replicate_pvalues      the p-values of that rule
interval_censoring     the dose that breaks a subject, as an interval; minimum, quantile limits, ratio
noninferiority         before against after: paired rates, shares of losses, seeds crossed with items
tango                  the score of paired rates, with its exact critical value and p-value
agreement              whether two judges agree, on what either calls harmful and on what either calls harmless
search.points          the doses of a trial: harm at each, and how late the subject breaks
search.trials          a search: its trials, where each ends, which are completed, which count
search.selection       which trial a search chose, and what that choice is worth
power                  what a study can show, before it is run: a dose, a replicate, a task
rate_law               how harm varies over seeds and items: what has to be assumed of it
verdict_power          what a verdict can show, before the run: upheld, refuted, and the items asked
training_power         the same of trainability
cheapest_plan          the study that decides at the least cost
"""

from titer.stats.agreement import Agreement, agreement_test
from titer.stats.binomial import Counts, Decision, Limits, broken_cutoff, intact_cutoff, lower_limit, upper_limit
from titer.stats.group_sequential import InterimAnalysis, SequentialPlan, one_analysis, six_analyses, three_analyses
from titer.stats.interval_censoring import Interval, quantile_limits, ratio, titer, weakest
from titer.stats.item_results import PairedTest, RateTest
from titer.stats.item_tests import loss_test, mcnemar_test, noninferiority_test, rate_test
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
from titer.stats.outcomes import Outcomes, outcomes_of
from titer.stats.power import (
    items_for_broken,
    items_for_intact,
    items_for_noninferior,
    power_broken,
    power_intact,
    power_noninferior,
    power_refuted,
    power_upheld,
)
from titer.stats.rank_tests import HolmTest, RankTest, holm, paired_rank_test, rank_test
from titer.stats.replicates import (
    Levels,
    Tally,
    break_share_limit,
    break_share_lower_limit,
    decide,
    levels,
    minimum_replicates,
)
from titer.stats.seed_tests import (
    DoseEstimate,
    RatioEstimate,
    ReplicateTest,
    dose_interval,
    dose_ratio,
    replicate_test,
)
from titer.stats.sequential_decisions import (
    SequentialTest,
    decide_asked,
    decide_curtailed,
    decide_sequential,
    sequential_test,
)

__all__ = [
    "Agreement",
    "Changes",
    "Counts",
    "Decision",
    "DoseEstimate",
    "HolmTest",
    "InterimAnalysis",
    "Interval",
    "Levels",
    "Limits",
    "MeanComparison",
    "Outcomes",
    "PairedTest",
    "RankTest",
    "RateComparison",
    "RateTest",
    "RatioEstimate",
    "ReplicateTest",
    "SequentialPlan",
    "SequentialTest",
    "ShareComparison",
    "Tally",
    "agreement_test",
    "break_share_limit",
    "break_share_lower_limit",
    "broken_cutoff",
    "compare_crossed",
    "compare_losses",
    "compare_rates",
    "count_changes",
    "decide",
    "decide_asked",
    "decide_curtailed",
    "decide_sequential",
    "dose_interval",
    "dose_ratio",
    "holm",
    "intact_cutoff",
    "items_for_broken",
    "items_for_intact",
    "items_for_noninferior",
    "levels",
    "loss_test",
    "lower_limit",
    "mcnemar_test",
    "minimum_replicates",
    "noninferiority_test",
    "one_analysis",
    "outcomes_of",
    "paired_rank_test",
    "power_broken",
    "power_intact",
    "power_noninferior",
    "power_refuted",
    "power_upheld",
    "quantile_limits",
    "rank_test",
    "rate_test",
    "ratio",
    "replicate_test",
    "sequential_test",
    "six_analyses",
    "three_analyses",
    "titer",
    "upper_limit",
    "weakest",
]
