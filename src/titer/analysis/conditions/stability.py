"""Stability: before any attack, M* is on every task as good as M, within a margin, and refuses as rightly."""

from __future__ import annotations

from typing import Final

from titer.analysis import decision_rules, task_rules
from titer.analysis.applicability import not_applicable
from titer.analysis.conditions.baseline_scores import tasks_at_dose_zero
from titer.analysis.conditions.stability_reasons import quotable, reason, remedy
from titer.analysis.conditions.stability_results import SubjectResults, TaskLevels, TaskResult
from titer.analysis.findings import Assay, Finding
from titer.protocol.exposure import made_levels
from titer.protocol.schema import Protocol
from titer.records import Outcome
from titer.stats.replicates import Items, Levels, Tally

ITEMS: Final[tuple[Items, ...]] = ("shared", "own")


def conclude(assay: Assay) -> Finding:
    """The finding on stability: of a checkpoint by all its tasks, of a method by the share of subjects it holds for."""
    protocol = assay.protocol
    if (absent := not_applicable("stability", protocol)) is not None:
        return absent
    tasks = tuple(tasks_at_dose_zero(assay))
    deciding = sum(not task.descriptive for task in tasks)
    levels = made_levels(protocol, "shared")  # r and r' are those of items of their own, too
    at = {items: _task_levels(protocol, items, max(deciding, 1)) for items in ITEMS}
    made = 1 if levels is None else levels.replicates
    subjects = tuple(
        SubjectResults(tasks=tuple(TaskResult.of(task, seed, protocol, at) for task in tasks)) for seed in range(made)
    )
    outcome = _outcome(protocol, subjects, levels)
    return Finding.of(
        "stability",
        "condition",
        outcome,
        reason=reason(protocol, subjects, levels),
        remedy=remedy(protocol, outcome),
        sentence=quotable(protocol, subjects, outcome),
        level=protocol.alpha,
        figures=tuple(figure for subject in subjects for result in subject.tasks for figure in result.figures()),
    )


def _task_levels(protocol: Protocol, items: Items, tasks: int) -> TaskLevels:
    """Alpha on each task, and alpha / tasks beyond it; of a method what the share of subjects leaves of alpha."""
    levels = made_levels(protocol, items)
    if levels is None:
        return TaskLevels(noninferior=protocol.alpha, inferior=protocol.alpha / tasks)
    return TaskLevels(noninferior=levels.intact_level, inferior=levels.broken_level / tasks)


def _outcome(protocol: Protocol, subjects: tuple[SubjectResults, ...], levels: Levels | None) -> Outcome:
    if levels is None:
        outcomes = tuple(result.outcome for result in subjects[0].tasks if not result.task.descriptive)
        facts = task_rules.TaskOutcomes(outcomes, descriptive=protocol.study.descriptive)
        return decision_rules.outcome_of(task_rules.STABILITY, facts)
    states = [subject.state for subject in subjects]
    tally = Tally(holds=states.count("holds"), fails=states.count("fails"), open=states.count("open"))
    made = task_rules.MadeSubjects(
        replicates=decision_rules.ReplicateFacts(tally=tally, levels=levels),
        void=any(result.void for result in subjects[0].tasks if not result.task.descriptive),
    )
    return decision_rules.outcome_of(task_rules.STABILITY_OF_METHOD, made)
