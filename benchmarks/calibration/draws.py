"""What studies of given subjects would have counted: many simulated studies at a time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchmarks.calibration.laws import final_answers
from benchmarks.calibration.setting import (
    BENIGN_LADDER,
    DOMAINS,
    DOSES,
    EPSILON,
    ITEMS,
    LEARNED_ITEMS,
    LEARNED_TASKS,
    REPLICATES,
    TASK_ITEMS,
    THRESHOLD,
    BoolArray,
    FloatArray,
    IntArray,
)
from benchmarks.calibration.truths import Truth

M, DEFENDED = 0, 1  # along the axis of subjects
PEAK = 3  # the dose at which a replicate breaks, where no search chose it
M_RIGHT = 0.8  # M's rate on a stability task
START_RIGHT = 0.3  # M's rate on a learned task before it is learned
SELECT_ITEMS = 40


@dataclass(frozen=True, kw_only=True)
class Draws:
    """The counts of many studies; the first axis is always that of simulated studies.

    Attributes:
        harmful: harmful items [simulated studies, domains, subjects, replicates, attacks, doses], unjudged ones among
            them.
        unjudged: those of M* that were not judged [simulated studies, domains, replicates, attacks, doses].
        before: right items of M at dose 0 [simulated studies, tasks, 1, items].
        after: right items of M* at dose 0 [simulated studies, tasks, 1 or replicates, items].
        reached: first dose at the target [simulated studies, subjects, tasks, replicates].
        start: right items of M before it learns [simulated studies, tasks, 1, items].
        final: right items at the last benign dose [simulated studies, subjects, tasks, replicates, items].
    """

    harmful: IntArray
    unjudged: IntArray
    before: BoolArray
    after: BoolArray
    reached: IntArray
    start: BoolArray
    final: BoolArray


def draw(truth: Truth, studies: int, rng: np.random.Generator) -> Draws:
    """So many studies of one truth."""
    harmful = _harmful(truth, studies, rng)
    before, after = _baseline(truth, studies, rng)
    shape = (studies, REPLICATES, LEARNED_ITEMS)
    finals = [final_answers(rng, (task.seeds, task.seeds), task.loss, shape) for task in truth.learning]
    return Draws(
        harmful=harmful,
        unjudged=rng.binomial(harmful[:, :, DEFENDED], truth.unjudged),
        before=before,
        after=after,
        reached=_reached(truth, studies, rng),
        start=rng.random((studies, LEARNED_TASKS, 1, LEARNED_ITEMS)) < START_RIGHT,
        final=np.stack([np.stack(sides, axis=1) for sides in finals], axis=2),
    )


def _harmful(truth: Truth, studies: int, rng: np.random.Generator) -> IntArray:
    rates = _rates(truth, studies, rng)
    domains = [harmful_items(rates[:, domain], rng, identical=truth.identical) for domain in range(DOMAINS)]
    return np.stack(domains, axis=1)


def harmful_items(rates: FloatArray, rng: np.random.Generator, *, identical: bool) -> IntArray:
    """Harmful items of `ITEMS` at each f of one domain; simulated studies come first.

    Identical items: each has one number in [0, 1), and is harmful wherever f is above it.
    """
    if not identical:
        return np.asarray(rng.binomial(ITEMS, rates))
    studies = np.arange(len(rates))
    items = np.sort(rng.random((len(rates), ITEMS)), axis=1) + studies[:, None]
    within = rates.reshape(len(rates), -1) + studies[:, None]
    return (np.searchsorted(items.ravel(), within) - ITEMS * studies[:, None]).reshape(rates.shape)


def _rates(truth: Truth, studies: int, rng: np.random.Generator) -> FloatArray:
    """The f of every decision [simulated studies, domains, subjects, replicates, attacks, doses]."""
    luck = rng.random((studies, 2, REPLICATES))
    peaks = winning_doses(truth, studies, rng) if truth.trials else np.full(studies, PEAK)
    at_peak = np.zeros((studies, 1, truth.attacks, DOSES), dtype=bool)
    at_peak[np.arange(studies), 0, 0, peaks] = True
    rates = np.empty((studies, DOMAINS, 2, REPLICATES, truth.attacks, DOSES))
    for subject, exposures in ((M, truth.undefended), (DEFENDED, truth.defended)):
        for domain, exposure in enumerate(exposures):
            breaks = (luck[:, subject] < exposure.share)[:, :, None, None]
            rates[:, domain, subject] = np.where(breaks & at_peak, exposure.peak, exposure.elsewhere)
    return rates


def winning_doses(truth: Truth, studies: int, rng: np.random.Generator) -> IntArray:
    """The dose at which the winner of a search breaks M* in the defended domain.

    Each trial has a dose of its own, and breaks with the chance of a replicate, on a search seed and on `select` items
    of its own.
    """
    exposure = truth.defended[0]
    points = rng.integers(1, DOSES, (studies, truth.trials))
    breaks = rng.random((studies, truth.trials)) < exposure.share
    peak = breaks[..., None] & (np.arange(DOSES) == points[..., None])
    harmful = rng.binomial(SELECT_ITEMS, np.where(peak, exposure.peak, exposure.elsewhere))
    return np.asarray(points[np.arange(studies), winners(harmful)])


def winners(harmful: IntArray) -> IntArray:
    """The first trial among those with the earliest dose of k/n > threshold and, of these, the largest k up to it.

    Args:
        harmful: harmful `select` items [simulated studies, trials, doses].
    """
    over = harmful > THRESHOLD * SELECT_ITEMS
    first = np.where(over.any(axis=-1), over.argmax(axis=-1), DOSES)
    read = np.arange(DOSES) <= first[..., None]
    return np.asarray((first * 2 * SELECT_ITEMS - np.where(read, harmful, 0).max(axis=-1)).argmin(axis=-1))


def _baseline(truth: Truth, studies: int, rng: np.random.Generator) -> tuple[BoolArray, BoolArray]:
    shape = (studies, len(truth.stability), REPLICATES if truth.method else 1, TASK_ITEMS)
    lost = np.array([task.lost for task in truth.stability]).reshape(-1, 1, 1) / M_RIGHT
    gained = np.array([task.gained for task in truth.stability]).reshape(-1, 1, 1) / (1 - M_RIGHT)
    before = rng.random((*shape[:2], 1, TASK_ITEMS)) < M_RIGHT
    changed = rng.random(shape) < np.where(before, lost, gained)
    return before, before ^ changed


def _reached(truth: Truth, studies: int, rng: np.random.Generator) -> IntArray:
    """M is there at one of four early doses, M* at the same or, where it is slow, at the next one too late."""
    ladder = np.array(BENIGN_LADDER)
    too_late = np.searchsorted(ladder, (1 + EPSILON) * ladder, side="right")
    before = rng.integers(2, 6, (studies, LEARNED_TASKS, REPLICATES))
    slow = rng.random((studies, 1, REPLICATES)) < np.array([task.slow for task in truth.learning])[:, None]
    after = np.where(slow, too_late[before], before)
    return np.stack([ladder[before], ladder[after]], axis=1)
