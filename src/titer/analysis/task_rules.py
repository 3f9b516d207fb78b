"""The rules of stability and of usability as tables: what the outcomes of tasks and of floors come to together."""

from __future__ import annotations

from typing import Final, NamedTuple

from titer.analysis.decision_rules import NO_LEVEL, ReplicateFacts, Rule, otherwise
from titer.records import Outcome


class TaskOutcomes(NamedTuple):
    """What stability of a checkpoint, or usability, rests on.

    Attributes:
        tasks: the outcomes of the tasks that are not descriptive, or of the floors.
        descriptive: whether the study decides nothing.
    """

    tasks: tuple[Outcome, ...]
    descriptive: bool = False


STABILITY: Final[tuple[Rule[TaskOutcomes], ...]] = (
    Rule("undecided", "the study is descriptive", NO_LEVEL, lambda facts: facts.descriptive),
    Rule("refuted", "on some task D is shown below −δ", "α/tasks on each task", lambda facts: "refuted" in facts.tasks),
    Rule(
        "void",
        "on some task the undefended subject is not shown above chance + δ",
        "α on each task",
        lambda facts: "void" in facts.tasks,
    ),
    Rule("upheld", "on every task D is shown above −δ", "α on each task", lambda facts: set(facts.tasks) == {"upheld"}),
    Rule("undecided", "otherwise", NO_LEVEL, otherwise),
)
"""Stability of a checkpoint, from the outcomes of its tasks."""


USABILITY: Final[tuple[Rule[TaskOutcomes], ...]] = (
    Rule("undecided", "the study is descriptive", NO_LEVEL, lambda facts: facts.descriptive),
    Rule("refuted", "some floor is shown missed", "α/floors on each floor", lambda facts: "refuted" in facts.tasks),
    Rule("upheld", "every floor is shown met", "α on each floor", lambda facts: set(facts.tasks) == {"upheld"}),
    Rule("undecided", "otherwise", NO_LEVEL, otherwise),
)
"""Usability of a model without a defense, from the outcomes of the floors that are asked."""


class MadeSubjects(NamedTuple):
    """What stability rests on where the claim is about a method.

    Attributes:
        replicates: the first S subjects that were made; a make that failed does not hold.
        void: whether on some task the undefended subject is not shown above chance and margin.
    """

    replicates: ReplicateFacts
    void: bool


STABILITY_OF_METHOD: Final[tuple[Rule[MadeSubjects], ...]] = (
    Rule(
        "undecided",
        "the study is descriptive, or S is so small that no r exists",
        NO_LEVEL,
        lambda facts: not facts.replicates.levels.decidable,
    ),
    Rule(
        "refuted",
        "at least S − r' of the S subjects made fail: on some task D is shown below −δ",
        "α: s' for the subjects, (α − s')/((r' + 1)·tasks) on each task",
        lambda facts: facts.replicates.decision == "refuted",
    ),
    Rule(
        "void",
        "on some task the undefended subject is not shown above chance + δ",
        "α on each task",
        lambda facts: facts.void,
    ),
    Rule(
        "upheld",
        "at most r of the S subjects made do not hold: on every task D is shown above −δ",
        "α: s for the subjects, (α − s)/(r + 1) on each task; a of items of their own on tasks that have them",
        lambda facts: facts.replicates.decision == "upheld",
    ),
    Rule("undecided", "otherwise", NO_LEVEL, otherwise),
)
"""Stability of a method, by the replicate rule over the subjects that it made."""
