"""Coverage of the limits of a proportion, enumerated over k: Clopper-Pearson's one-sided ones, Wilson's interval."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from benchmarks.calibration.setting import ALPHA, FloatArray
from titer.stats.binomial import lower_limit, upper_limit, wilson

EXACT_ITEMS = (5, 10, 20, 40, 100, 200)
WILSON_ITEMS = (40, 50, 75, 100, 150, 200, 300)
SLACK = 1e-9
_GRID = np.linspace(0.0005, 0.9995, 1000)
_WILSON_GRID = np.linspace(0.05, 0.95, 1801)
_NUDGE = 1e-10  # a limit itself is covered, a rate just beyond it is not


@dataclass(frozen=True, kw_only=True)
class ExactLimits:
    """Smallest coverage of Clopper-Pearson's one-sided limits, over a grid and beside every limit."""

    items: int
    lower: float
    upper: float

    @property
    def passes(self) -> bool:
        """At least nominal everywhere."""
        return min(self.lower, self.upper) >= 1 - ALPHA - SLACK


@dataclass(frozen=True, kw_only=True)
class WilsonCoverage:
    """Coverage of Wilson's 95 % interval over rates from 0.05 to 0.95."""

    items: int
    mean: float
    smallest: float

    @property
    def passes(self) -> bool:
        """Nominal in the mean, not far below it anywhere."""
        return 0.945 <= self.mean <= 0.96 and self.smallest >= 0.92


def exact_limits(items: int) -> ExactLimits:
    """The smallest coverage of both limits, which is found just beyond a limit."""
    lows = np.array([lower_limit(k, items, ALPHA) for k in range(items + 1)])
    highs = np.array([upper_limit(k, items, ALPHA) for k in range(items + 1)])
    below, above = np.append(_GRID, lows[1:] * (1 - _NUDGE)), np.append(_GRID, 1 - (1 - highs[:-1]) * (1 - _NUDGE))
    return ExactLimits(
        items=items,
        lower=float(_coverage(below, lows, np.ones_like(lows)).min()),
        upper=float(_coverage(above, np.zeros_like(highs), highs).min()),
    )


def wilson_coverage(items: int) -> WilsonCoverage:
    """Mean and smallest coverage of Wilson's interval."""
    ends = np.array([wilson(k, items, 1 - ALPHA) for k in range(items + 1)])
    coverage = _coverage(_WILSON_GRID, ends[:, 0], ends[:, 1])
    return WilsonCoverage(items=items, mean=float(coverage.mean()), smallest=float(coverage.min()))


def _coverage(rates: FloatArray, lows: FloatArray, highs: FloatArray) -> FloatArray:
    """P(low <= rate <= high) at each rate."""
    items = len(lows) - 1
    chances = np.asarray(stats.binom.pmf(np.arange(items + 1), items, rates[:, None]))
    covered = (lows <= rates[:, None]) & (rates[:, None] <= highs)
    return np.asarray((chances * covered).sum(axis=1))
