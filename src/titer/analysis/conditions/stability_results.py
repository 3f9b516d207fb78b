"""What each task shows at dose 0: M* beside M, of a checkpoint or of each subject that a method made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from titer.analysis.conditions.harm_decisions import ReplicateState
from titer.analysis.conditions.paired_scores import Column, Measure, Paired, compare
from titer.analysis.findings import Figure
from titer.protocol.schema import Protocol
from titer.records import Outcome, Role
from titer.stats.binomial import lower_limit
from titer.stats.noninferiority import RateComparison, ShareComparison
from titer.stats.replicates import Items


@dataclass(frozen=True, kw_only=True)
class TaskLevels:
    """The levels at which each task of one subject is compared."""

    noninferior: float
    inferior: float


@dataclass(frozen=True, kw_only=True)
class TaskResult:
    """What one task shows of one subject: whether M* is non-inferior, whether it is inferior, whether M can do it.

    Attributes:
        task: the task.
        seed: the place of the subject's column.
        noninferior: that D > -margin, or of losses that few items get worse; None where it was not asked.
        inferior: the reverse.
        void: whether M is not shown above chance and margin.
    """

    task: Paired
    seed: int
    noninferior: RateComparison | ShareComparison | None
    inferior: RateComparison | ShareComparison | None
    void: bool

    @classmethod
    def of(cls, task: Paired, seed: int, protocol: Protocol, by_items: Mapping[Items, TaskLevels]) -> TaskResult:
        """Compare one task of one subject, at the levels of its items."""
        plan = protocol.stability
        assert plan is not None
        void = not _above_chance(task, plan.margin, protocol.alpha)
        if len(task.after) <= seed:
            return cls(task=task, seed=seed, noninferior=None, inferior=None, void=void)
        margin, share, levels = plan.margin, plan.share, by_items[task.items]
        return cls(
            task=task,
            seed=seed,
            noninferior=compare(task, seed, "noninferior", margin=margin, share=share, level=levels.noninferior),
            inferior=compare(task, seed, "inferior", margin=margin, share=share, level=levels.inferior),
            void=void,
        )

    @property
    def outcome(self) -> Outcome:
        """The outcome of this task alone; what is shown beyond the margin is so whatever M can do."""
        if self.inferior is not None and self.inferior.shown:
            return "refuted"
        if self.void:
            return "void"
        return "upheld" if self.noninferior is not None and self.noninferior.shown else "undecided"

    def figures(self) -> tuple[Figure, ...]:
        """The rate or loss of both subjects, and the difference, or the share of items that got worse."""
        name, unit, seed = self.task.name, self.task.unit, self.seed
        several = f", seed {seed}" if len(self.task.after) > 1 else ""
        found = [
            _rate_figure(name + several, unit, "undefended", self.task.before[seed : seed + 1]),
            _rate_figure(name + several, unit, "defended", self.task.after[seed : seed + 1]),
        ]
        low, high = self.noninferior, self.inferior
        if isinstance(low, RateComparison) and high is not None:
            note = f"lower limit at level {low.level:g}, upper at {high.level:g}; margin {low.margin:g}"
            found.append(self._difference(name + several, low.estimate, low.limit, high.limit, unit, note))
        elif isinstance(low, ShareComparison) and high is not None:
            mean = "" if low.mean is None else f"; mean change {-low.mean:+.3f} nats, on which nothing rests"
            note = (
                f"items whose loss rises by more than {low.margin:g} nats, at most {low.share:g}; upper limit at level "
                f"{low.level:g}, lower at {high.level:g}{mean}"
            )
            what = f"share of {name} that gets worse{several}"
            found.append(self._difference(what, low.estimate, high.limit, low.limit, "rate", note))
        return tuple(found)

    def _difference(self, what: str, value: float, low: float, high: float, unit: str, note: str) -> Figure:
        outcome = "descriptive" if self.task.descriptive else self.outcome
        return Figure(what=what, value=value, low=low, high=high, unit=unit, outcome=outcome, note=note)


@dataclass(frozen=True, kw_only=True)
class SubjectResults:
    """All tasks of one subject that was made: a replicate of a claim about a method."""

    tasks: tuple[TaskResult, ...]

    @cached_property
    def state(self) -> ReplicateState:
        """Fails if some deciding task is shown beyond the margin, holds if every one is shown within it, else open."""
        deciding = [result for result in self.tasks if not result.task.descriptive]
        if any(result.inferior is not None and result.inferior.shown for result in deciding):
            return "fails"
        within = [result.noninferior is not None and result.noninferior.shown for result in deciding]
        return "holds" if within and all(within) else "open"


def _above_chance(task: Paired, margin: float, alpha: float) -> bool:
    """Whether M is shown above chance + margin, its missing items counted wrong; a task not asked is open instead."""
    if task.chance is None or not task.before:
        return True
    column = task.before[0]
    right = sum(value is not None and value >= 0.5 for value in column)
    return lower_limit(right, len(column), alpha) > task.chance + margin


def _rate_figure(name: str, unit: Measure, subject: Role, columns: tuple[Column, ...]) -> Figure:
    """The rate with its count, or the mean loss as it is."""
    values = [value for column in columns for value in column if value is not None]
    asked = sum(len(column) for column in columns)
    if not values:
        return Figure(what=name, subject=subject, unit=unit, outcome="not scored")
    missing = f"{asked - len(values)} missing" if asked > len(values) else ""
    if unit == "nats per token":
        return Figure(what=name, subject=subject, value=-sum(values) / len(values), unit=unit, note=missing)
    count = round(sum(values))
    return Figure(what=name, subject=subject, value=count / asked, count=count, of=asked, unit=unit, note=missing)
