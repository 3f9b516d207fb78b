"""The whole calibration: everything that is computed, and whether it keeps its limits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from itertools import product
from pathlib import Path
from typing import TypeVar

from benchmarks.calibration import comparison_size, limits, power_tables, replicate_rule, titer_limits
from benchmarks.calibration.comparison_size import TangoSize
from benchmarks.calibration.configurations import CONFIGURATIONS
from benchmarks.calibration.early_decision import Early, early_decisions
from benchmarks.calibration.kept import calibrate_once
from benchmarks.calibration.least_favourable import Least, least_favourable
from benchmarks.calibration.limits import ExactLimits, WilsonCoverage
from benchmarks.calibration.mean_rule import MeanRule, mean_rules
from benchmarks.calibration.power_tables import Powers
from benchmarks.calibration.replicate_rule import ReplicateErrors
from benchmarks.calibration.titer_limits import Missed
from benchmarks.calibration.verdicts import Calibrated
from titer.stats.noninferiority import Claim

STUDIES = 200_000
_POWER_STUDIES = 20_000  # of what has no limit to keep

Case = TypeVar("Case")
Result = TypeVar("Result")
Limited = ReplicateErrors | ExactLimits | WilsonCoverage | Missed | TangoSize | Least


@dataclass(frozen=True, kw_only=True)
class Results:
    """All that was computed, with so many simulated studies where it was simulated."""

    studies: int
    outcomes: list[Calibrated]
    replicates: list[ReplicateErrors]
    exact: list[ExactLimits]
    wilson: list[WilsonCoverage]
    titers: list[Missed]
    ratios: list[Missed]
    tango: list[TangoSize]
    least: list[Least]
    means: list[MeanRule]
    powers: Powers
    early: list[Early]

    @property
    def failing(self) -> list[str]:
        """What is beyond its limit."""
        beyond = [f"configuration {o.configuration.name}" for o in self.outcomes if not o.passes]
        parts: dict[str, Sequence[Limited]] = {
            "replicate rule": self.replicates,
            "Clopper-Pearson": self.exact,
            "Wilson": self.wilson,
            "titer limits": self.titers,
            "ratio limits": self.ratios,
            "Tango": self.tango,
            "least favorable laws": self.least,
        }
        return beyond + [name for name, found in parts.items() if not all(one.passes for one in found)]


def compute(studies: int, pool: Executor, kept: Path | None = None) -> Results:
    """Everything, with progress on the standard output.

    Args:
        studies: simulated studies of each simulation.
        pool: the processes.
        kept: a folder for the counts of configurations, so that a run that was cut short goes on.
    """
    configured = partial(calibrate_once, studies=studies, folder=kept)
    edges = partial(titer_limits.ratio_limits_at_the_edge, studies)
    claims: tuple[Claim, Claim] = ("noninferior", "inferior")
    tango = [(items, margin, claim) for (items, margin), claim in product(comparison_size.TANGO, claims)]
    titers = partial(titer_limits.titer_limits, studies=studies)
    ratios = partial(titer_limits.ratio_limits, studies=studies)
    return Results(
        studies=studies,
        outcomes=_each(pool, "configuration", configured, CONFIGURATIONS),
        replicates=replicate_rule.enumerate_replicates(),
        exact=_each(pool, "Clopper-Pearson", limits.exact_limits, limits.EXACT_ITEMS),
        wilson=_each(pool, "Wilson", limits.wilson_coverage, limits.WILSON_ITEMS),
        titers=_each(pool, "titer limits", titers, titer_limits.TITERS),
        ratios=[
            *_each(pool, "ratio limits", ratios, titer_limits.RATIOS),
            *(edges(identical=identical) for identical in (True, False)),
        ],
        tango=_each(pool, "Tango", _tango, tango),
        least=least_favourable(),
        means=mean_rules(min(studies, _POWER_STUDIES)),
        powers=power_tables.powers(min(studies, _POWER_STUDIES)),
        early=early_decisions(),
    )


def _tango(case: tuple[int, float, Claim]) -> TangoSize:
    return comparison_size.tango_size(*case)


def _each(pool: Executor, what: str, function: Callable[[Case], Result], cases: Sequence[Case]) -> list[Result]:
    """Apply a function to each case, in order, and say how far it is."""
    found = []
    for number, result in enumerate(pool.map(function, cases), start=1):
        print(f"{what}: {number} of {len(cases)}", flush=True)
        found.append(result)
    return found
