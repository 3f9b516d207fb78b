"""The least favorable laws of each condition: searched for, not guessed.

For every condition the largest chance of a false outcome over laws of seeds (which replicates break, slow down or lose,
and how far), shares of common items and numbers of items: enumerated, with scipy's differential evolution where
the law has several parameters. The searches are in least_favourable_exposure, _own, _tasks and _method.
`python -m benchmarks.calibration.least_favourable` prints their section of the page.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import optimize, special

from benchmarks.calibration.setting import ALPHA, FloatArray
from titer.stats.replicates import Levels

Outcome = Literal["upheld", "refuted"]
SLACK = 1e-9  # rounding, where a rate is enumerated
TANGO_SLACK = 1e-5  # the grid of Tango's critical value
_SEED = 20_261_126


@dataclass(frozen=True, kw_only=True)
class Least:
    """The largest chance of one false outcome that was found.

    Attributes:
        condition: the condition.
        setting: what was fixed.
        outcome: the false outcome.
        searched: over what.
        rate: the largest chance.
        attained: where.
        limit: the largest chance that it may have.
        slack: by which it may be exceeded.
    """

    condition: str
    setting: str
    outcome: Outcome
    searched: str
    rate: float
    attained: str
    limit: float = ALPHA
    slack: float = SLACK

    @property
    def passes(self) -> bool:
        """Whether the largest chance is within its limit."""
        return self.rate <= self.limit + self.slack


def few_hold_not(levels: Levels, chance: float | FloatArray) -> FloatArray:
    """P(at most r of S replicates do not hold), each with that chance: of upheld."""
    return np.asarray(special.bdtr(levels.r or 0, levels.replicates, np.asarray(chance)), dtype=np.float64)


def most_fail(levels: Levels, chance: float | FloatArray) -> FloatArray:
    """P(at least S - r' of S replicates fail), each with that chance: of refuted."""
    return np.asarray(special.bdtr(levels.r_fail or 0, levels.replicates, 1 - np.asarray(chance)), dtype=np.float64)


def search(rate: Callable[[FloatArray], float], low: FloatArray, high: FloatArray) -> tuple[float, FloatArray]:
    """The largest rate in a box and its place, by differential evolution from a fixed seed.

    Candidates lie in a box that is wider by a quarter on each side, and are clipped, so that corners are reached.
    """
    wider = (high - low) / 4

    def missing(law: FloatArray) -> float:
        return -rate(np.clip(law, low, high))

    best = optimize.differential_evolution(
        missing, optimize.Bounds(low - wider, high + wider), maxiter=60, popsize=15, polish=False, tol=1e-7,
        rng=np.random.default_rng(_SEED),
    )  # fmt: skip
    return -float(best.fun), np.asarray(np.clip(best.x, low, high))


def searches() -> list[Callable[[], list[Least]]]:
    """Every search, each of some rows."""
    from benchmarks.calibration import least_favourable_exposure as exposure
    from benchmarks.calibration import least_favourable_method as method
    from benchmarks.calibration import least_favourable_own as own
    from benchmarks.calibration import least_favourable_tasks as tasks

    return [
        exposure.shared_upheld, exposure.three_points, exposure.kinds, exposure.shared_refuted,
        own.own_items, own.looks,
        tasks.checkpoint, tasks.losses, tasks.floors,
        method.upheld, method.three_points, method.refuted, method.own_items, tasks.trainings,
    ]  # fmt: skip


def least_favourable() -> list[Least]:
    """All rows."""
    return [row for search in searches() for row in search()]


if __name__ == "__main__":
    from benchmarks.calibration.least_favourable_page import render_least

    print(render_least(least_favourable()))
