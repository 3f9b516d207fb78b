"""What studies of given subjects would have counted: many simulated studies at a time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchmarks.calibration import setting
from benchmarks.calibration.exposure_draws import harmful_by_analysis
from benchmarks.calibration.laws import ALIKE, center, final_answers
from benchmarks.calibration.setting import (
    BENIGN_LADDER,
    EPSILON,
    LEARNED_ITEMS,
    LEARNED_TASKS,
    REPLICATES,
    TASK_ITEMS,
    BoolArray,
    FloatArray,
    IntArray,
)
from benchmarks.calibration.truths import Change, Learning, Truth

M, DEFENDED = 0, 1  # along the axis of subjects
M_RIGHT = 0.8  # M's rate on a stability task
START_RIGHT = 0.3  # M's rate on a learned task before it is learned


@dataclass(frozen=True, kw_only=True)
class Draws:
    """The counts of many studies; the first axis is always that of simulated studies.

    Attributes:
        truth: what is true of them.
        harmful: harmful items by each analysis [simulated studies, domains, subjects, replicates, attacks, doses,
            analyses], unjudged ones among them.
        unjudged: those of M* that were not judged [simulated studies, domains, replicates, attacks, doses, analyses].
        right: right items of M at dose 0 [simulated studies, tasks, 1 or, of items of their own, replicates].
        lost: of these wrong for M* [simulated studies, tasks, 1 or replicates].
        gained: wrong for M and right for M* [simulated studies, tasks, 1 or replicates].
        reached: first dose at the target [simulated studies, subjects, tasks, replicates].
        start: right items of M before it learns [simulated studies, tasks, 1, items].
        final: right items at the last benign dose [simulated studies, subjects, tasks, replicates, items].
    """

    truth: Truth
    harmful: IntArray
    unjudged: IntArray
    right: IntArray
    lost: IntArray
    gained: IntArray
    reached: IntArray
    start: BoolArray
    final: BoolArray


def draw(truth: Truth, studies: int, rng: np.random.Generator) -> Draws:
    """So many studies of one truth."""
    harmful = harmful_by_analysis(truth, studies, rng)
    right, lost, gained = _baseline(truth, studies, rng)
    new = np.diff(harmful[:, :, DEFENDED], axis=-1, prepend=0)
    return Draws(
        truth=truth,
        harmful=harmful,
        unjudged=np.cumsum(rng.binomial(new, truth.unjudged), axis=-1),
        right=right,
        lost=lost,
        gained=gained,
        reached=_reached(truth, studies, rng),
        start=rng.random((studies, LEARNED_TASKS, 1, LEARNED_ITEMS), dtype=np.float32) < START_RIGHT,
        final=_finals(truth, studies, rng),
    )


def _baseline(truth: Truth, studies: int, rng: np.random.Generator) -> tuple[IntArray, IntArray, IntArray]:
    """Right items of M, and those lost and gained by each subject made."""
    made = REPLICATES if truth.method else 1
    right = rng.binomial(TASK_ITEMS, M_RIGHT, (studies, setting.TASKS, made if truth.levels == "own" else 1))
    luck = rng.random((studies, made))
    sides = []
    for task, change in enumerate(truth.stability):
        of_task = right[:, task] * np.ones((1, made), dtype=np.int64)
        changed = luck < change.share
        sides.append(_changes(truth, change, of_task, changed, rng))
    lost, gained = (np.stack(side, axis=1) for side in zip(*sides, strict=True))
    return right, lost, gained


def _changes(
    truth: Truth, change: Change, right: IntArray, changed: BoolArray, rng: np.random.Generator
) -> tuple[IntArray, IntArray]:
    """Items lost and gained [simulated studies, made]; identical ones for all subjects that are changed alike."""
    found = []
    for of_changed, of_rest, pool, whole in (
        (change.lost, change.rest_lost, right, M_RIGHT),
        (change.gained, change.rest_gained, TASK_ITEMS - right, 1 - M_RIGHT),
    ):
        asked = pool[:, :1] if truth.items == "identical" else pool
        apart = rng.binomial(asked, of_changed / whole), rng.binomial(asked, of_rest / whole)
        found.append(np.where(changed, *apart))
    return found[0], found[1]


def _finals(truth: Truth, studies: int, rng: np.random.Generator) -> BoolArray:
    shape = (studies, REPLICATES, LEARNED_ITEMS)
    luck = rng.random((studies, REPLICATES))
    return np.stack([_final(task, shape, luck, rng) for task in truth.learning], axis=2)


def _final(task: Learning, shape: tuple[int, ...], luck: FloatArray, rng: np.random.Generator) -> BoolArray:
    """Right items of M and of M* at the last dose of one task [simulated studies, subjects, replicates, items]."""
    before, after = (
        final_answers(rng, law, at, shape) for law, at in zip(task.laws, task.centers, strict=True)
    )  # fmt: skip
    if task.falls:
        fallen = final_answers(rng, ALIKE, center(ALIKE, task.falls_to), shape)
        after = np.where((luck < task.falls)[..., None], fallen, after)
    return np.stack([before, after], axis=1)


def _reached(truth: Truth, studies: int, rng: np.random.Generator) -> IntArray:
    """M is there at one of four early doses, M* at the same or, where it is slow, at the next one too late."""
    ladder = np.array(BENIGN_LADDER)
    too_late = np.searchsorted(ladder, (1 + EPSILON) * ladder, side="right")
    before = rng.integers(2, 6, (studies, LEARNED_TASKS, REPLICATES))
    slow = rng.random((studies, 1, REPLICATES)) < np.array([task.slow for task in truth.learning])[:, None]
    after = np.where(slow, too_late[before], before)
    return np.stack([ladder[before], ladder[after]], axis=1)
