"""Stability and trainability of many simulated studies at a time, by the rules of titer applied to arrays."""

from __future__ import annotations

from functools import cache

import numpy as np

from benchmarks.calibration import setting
from benchmarks.calibration.crossed import crossed
from benchmarks.calibration.draws import DEFENDED, Draws, M
from benchmarks.calibration.laws import most_lost
from benchmarks.calibration.outcomes import REFUTED, UNDECIDED, UPHELD, VOID, replicate_table
from benchmarks.calibration.setting import (
    ALPHA,
    FINAL_MARGIN,
    REPLICATES,
    STABILITY_MARGIN,
    TASK_ITEMS,
    BoolArray,
    IntArray,
)
from titer.stats import replicates
from titer.stats.binomial import lower_limit
from titer.stats.replicates import Items, Levels
from titer.stats.tango import TIE, critical_score, tango_score

COMPARED = setting.TASKS + setting.IMPLICIT_TASKS  # tasks of stability among which the level of refuted is split


def stability(draws: Draws) -> IntArray:
    """The outcome of stability: of a method by the replicate rule over its subjects, else by the tasks of the only one.

    Refusal and coherence do not change, and are shown non-inferior.
    """
    void = (draws.right[..., 0] < _fewest_right()).any(axis=1)
    if draws.truth.method:
        levels = replicate_levels(draws.truth.levels)
        noninferior, inferior = _compared(draws, levels.intact_level, levels.broken_level / COMPARED)
        fails = inferior.any(axis=1)
        holds = noninferior.all(axis=1) & ~fails
        by_replicates = replicate_table(levels)[holds.sum(axis=1), fails.sum(axis=1)]
        order = [by_replicates == REFUTED, void, by_replicates == UPHELD]
    else:
        noninferior, inferior = (side[..., 0] for side in _compared(draws, ALPHA, ALPHA / COMPARED))
        order = [inferior.any(axis=1), void, noninferior.all(axis=1)]
    return np.select(order, [REFUTED, VOID, UPHELD], default=UNDECIDED)


def _compared(draws: Draws, level: float, inferior_level: float) -> tuple[BoolArray, BoolArray]:
    """Where each task is shown non-inferior, and inferior [simulated studies, tasks, made]."""
    noninferior = shown_table(STABILITY_MARGIN, level)[draws.gained, draws.lost]
    inferior = shown_table(-STABILITY_MARGIN, inferior_level)[draws.lost, draws.gained]
    return noninferior, inferior


@cache
def shown_table(margin: float, level: float, items: int = TASK_ITEMS) -> BoolArray:
    """Where D > -margin is shown, by gains and losses; for inferior with the two exchanged and the margin negated."""
    critical = critical_score(items, margin, level)
    gains, losses = np.indices((items + 1, items + 1))
    possible = gains + losses <= items
    if critical is None:
        return np.zeros_like(possible)
    within = np.where(possible, losses, 0)
    return np.asarray(possible & (tango_score(gains, within, items, -margin) >= critical - TIE))


def trainability(draws: Draws) -> IntArray:
    """Void where M is not shown to gain; else the replicate rule over pairs, upheld with the guard on the means."""
    levels = replicate_levels()
    fails = failing(draws).sum(axis=-1)
    by_replicates = replicate_table(levels)[REPLICATES - fails, fails]
    gained = crossed(draws.final[:, M], draws.start).noninferior(-2 * FINAL_MARGIN, ALPHA).all(axis=1)
    guarded = np.zeros(len(fails), dtype=bool)
    asked = by_replicates == UPHELD
    guarded[asked] = _guarded(draws, asked, levels)
    order = [~gained, by_replicates == REFUTED, asked & guarded]
    return np.select(order, [VOID, REFUTED, UPHELD], default=UNDECIDED)


def failing(draws: Draws) -> BoolArray:
    """The replicates in which M* is too slow on a task, or ends too far below M; the others hold."""
    slow = draws.reached[:, DEFENDED] > (1 + setting.EPSILON) * draws.reached[:, M] * (1 + 1e-12)
    right = draws.final.sum(axis=-1)
    low = right[:, M] - right[:, DEFENDED] > most_lost()
    return np.asarray((slow | low).any(axis=1))


def _guarded(draws: Draws, asked: BoolArray, levels: Levels) -> BoolArray:
    """Whether on every task the mean final difference of those that hold, here all, is shown above -margin."""
    if levels.r != 0:
        raise ValueError("the guard is over all replicates here: none may fail to hold")
    found = crossed(draws.final[asked, DEFENDED], draws.final[asked, M], degrees=REPLICATES - 1)
    return np.asarray(found.noninferior(FINAL_MARGIN, ALPHA / 2).all(axis=1))


def replicate_levels(items: Items = "shared") -> Levels:
    """Of conditions that read a replicate once: what is left of alpha is for the tasks of stability."""
    return replicates.levels(replicates=REPLICATES, share=setting.SHARE, alpha=ALPHA, decisions=1, items=items)


@cache
def _fewest_right() -> int:
    """Right items from which M is shown above chance (0) and margin on a stability task."""
    return next(k for k in range(TASK_ITEMS + 1) if lower_limit(k, TASK_ITEMS, ALPHA) > STABILITY_MARGIN)
