"""What studies of given subjects would have counted: many replicates at a time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchmarks.calibration.laws import final_answers
from benchmarks.calibration.setting import (
    BENIGN_LADDER,
    DOMAINS,
    EPSILON,
    ITEMS,
    LEARNED_ITEMS,
    LEARNED_TASKS,
    RUNGS,
    TASK_ITEMS,
    THRESHOLD,
    UNITS,
    BoolArray,
    FloatArray,
    IntArray,
)
from benchmarks.calibration.truths import Truth

M, DEFENDED = 0, 1  # along the axis of subjects
PEAK = 3  # the rung at which a unit breaks, where no search chose it
M_RIGHT = 0.8  # M's rate on a stability task
START_RIGHT = 0.3  # M's rate on a learned task before it is learned
SELECT_ITEMS = 40


@dataclass(frozen=True, kw_only=True)
class Draws:
    """The counts of many studies; the first axis is always that of replicates.

    Attributes:
        harmful: harmful items [replicates, domains, subjects, units, attacks, rungs], unjudged ones among them.
        unjudged: those of M* that were not judged [replicates, domains, units, attacks, rungs].
        before: right items of M at dose 0 [replicates, tasks, 1, items].
        after: right items of M* at dose 0 [replicates, tasks, 1 or units, items].
        reached: first dose at the target [replicates, subjects, tasks, units].
        start: right items of M before it learns [replicates, tasks, 1, items].
        final: right items at the last benign rung [replicates, subjects, tasks, units, items].
    """

    harmful: IntArray
    unjudged: IntArray
    before: BoolArray
    after: BoolArray
    reached: IntArray
    start: BoolArray
    final: BoolArray


def draw(truth: Truth, replicates: int, rng: np.random.Generator) -> Draws:
    """So many studies of one truth."""
    harmful = _harmful(truth, replicates, rng)
    before, after = _untouched(truth, replicates, rng)
    shape = (replicates, UNITS, LEARNED_ITEMS)
    finals = [final_answers(rng, (task.seeds, task.seeds), task.loss, shape) for task in truth.learning]
    return Draws(
        harmful=harmful,
        unjudged=rng.binomial(harmful[:, :, DEFENDED], truth.unjudged),
        before=before,
        after=after,
        reached=_reached(truth, replicates, rng),
        start=rng.random((replicates, LEARNED_TASKS, 1, LEARNED_ITEMS)) < START_RIGHT,
        final=np.stack([np.stack(sides, axis=1) for sides in finals], axis=2),
    )


def _harmful(truth: Truth, replicates: int, rng: np.random.Generator) -> IntArray:
    rates = _rates(truth, replicates, rng)
    domains = [harmful_items(rates[:, domain], rng, identical=truth.identical) for domain in range(DOMAINS)]
    return np.stack(domains, axis=1)


def harmful_items(rates: FloatArray, rng: np.random.Generator, *, identical: bool) -> IntArray:
    """Harmful items of `ITEMS` at each f of one domain; replicates come first.

    Identical items: each has one number in [0, 1), and is harmful wherever f is above it.
    """
    if not identical:
        return np.asarray(rng.binomial(ITEMS, rates))
    replicates = np.arange(len(rates))
    items = np.sort(rng.random((len(rates), ITEMS)), axis=1) + replicates[:, None]
    within = rates.reshape(len(rates), -1) + replicates[:, None]
    return (np.searchsorted(items.ravel(), within) - ITEMS * replicates[:, None]).reshape(rates.shape)


def _rates(truth: Truth, replicates: int, rng: np.random.Generator) -> FloatArray:
    """The f of every reading [replicates, domains, subjects, units, attacks, rungs]."""
    luck = rng.random((replicates, 2, UNITS))
    peaks = winning_rungs(truth, replicates, rng) if truth.trials else np.full(replicates, PEAK)
    at_peak = np.zeros((replicates, 1, truth.attacks, RUNGS), dtype=bool)
    at_peak[np.arange(replicates), 0, 0, peaks] = True
    rates = np.empty((replicates, DOMAINS, 2, UNITS, truth.attacks, RUNGS))
    for subject, exposures in ((M, truth.undefended), (DEFENDED, truth.defended)):
        for domain, exposure in enumerate(exposures):
            breaks = (luck[:, subject] < exposure.share)[:, :, None, None]
            rates[:, domain, subject] = np.where(breaks & at_peak, exposure.peak, exposure.elsewhere)
    return rates


def winning_rungs(truth: Truth, replicates: int, rng: np.random.Generator) -> IntArray:
    """The rung at which the winner of a search breaks M* in the defended domain.

    Each trial has a rung of its own, and breaks with the chance of a unit, on a search seed and on `select` items of
    its own.
    """
    exposure = truth.defended[0]
    rungs = rng.integers(1, RUNGS, (replicates, truth.trials))
    breaks = rng.random((replicates, truth.trials)) < exposure.share
    peak = breaks[..., None] & (np.arange(RUNGS) == rungs[..., None])
    harmful = rng.binomial(SELECT_ITEMS, np.where(peak, exposure.peak, exposure.elsewhere))
    return np.asarray(rungs[np.arange(replicates), winners(harmful)])


def winners(harmful: IntArray) -> IntArray:
    """The first trial among those with the earliest rung of k/n > threshold and, of these, the largest k up to it.

    Args:
        harmful: harmful `select` items [replicates, trials, rungs].
    """
    over = harmful > THRESHOLD * SELECT_ITEMS
    first = np.where(over.any(axis=-1), over.argmax(axis=-1), RUNGS)
    read = np.arange(RUNGS) <= first[..., None]
    return np.asarray((first * 2 * SELECT_ITEMS - np.where(read, harmful, 0).max(axis=-1)).argmin(axis=-1))


def _untouched(truth: Truth, replicates: int, rng: np.random.Generator) -> tuple[BoolArray, BoolArray]:
    shape = (replicates, len(truth.stability), UNITS if truth.method else 1, TASK_ITEMS)
    lost = np.array([task.lost for task in truth.stability]).reshape(-1, 1, 1) / M_RIGHT
    gained = np.array([task.gained for task in truth.stability]).reshape(-1, 1, 1) / (1 - M_RIGHT)
    before = rng.random((*shape[:2], 1, TASK_ITEMS)) < M_RIGHT
    changed = rng.random(shape) < np.where(before, lost, gained)
    return before, before ^ changed


def _reached(truth: Truth, replicates: int, rng: np.random.Generator) -> IntArray:
    """M is there at one of four early rungs, M* at the same or, where it is slow, at the next one too late."""
    ladder = np.array(BENIGN_LADDER)
    too_late = np.searchsorted(ladder, (1 + EPSILON) * ladder, side="right")
    before = rng.integers(2, 6, (replicates, LEARNED_TASKS, UNITS))
    slow = rng.random((replicates, 1, UNITS)) < np.array([task.slow for task in truth.learning])[:, None]
    after = np.where(slow, too_late[before], before)
    return np.stack([ladder[before], ladder[after]], axis=1)
