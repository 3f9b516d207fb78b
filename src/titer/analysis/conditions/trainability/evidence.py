"""What trainability rests on: pairs of trainings, the gain of each task, and the outcome that follows."""

from __future__ import annotations

from dataclasses import dataclass

from titer.analysis import decision_rules
from titer.analysis.conditions import learning_rates
from titer.analysis.conditions.trainability import learning_curves
from titer.analysis.conditions.trainability.learning_curves import TaskPair
from titer.analysis.findings import Assay
from titer.analysis.seed_indices import SeedIndices, seed_indices
from titer.protocol.condition_configs import TrainabilityConfig as Plan
from titer.protocol.schema import Protocol
from titer.records import Outcome
from titer.stats import replicates
from titer.stats.noninferiority import MeanComparison
from titer.stats.replicates import Levels, Tally


@dataclass(frozen=True, kw_only=True)
class Gain:
    """One task over the seeds: M's gain since dose 0, and the guard on the final difference of those that hold."""

    task: str
    gained: MeanComparison | None
    guard: MeanComparison | None

    @property
    def taught(self) -> bool:
        """Whether M is shown to gain at least twice the margin."""
        return self.gained is not None and self.gained.shown

    @property
    def guarded(self) -> bool:
        """Whether the mean final difference is shown above the margin."""
        return self.guard is not None and self.guard.shown


@dataclass(frozen=True, kw_only=True)
class TrainingEvidence:
    """What trainability rests on: the pairs of each seed index over all tasks, and the gains of each task."""

    plan: Plan
    levels: Levels
    seeds: SeedIndices
    pairs: dict[int, tuple[TaskPair, ...]]
    gains: tuple[Gain, ...]
    at_edge: tuple[str, ...]

    @property
    def tally(self) -> Tally:
        """How many replicates hold, fail and are open."""
        states = [learning_curves.replicate_state(found) for found in self.pairs.values()]
        return Tally(holds=states.count("holds"), fails=states.count("fails"), open=states.count("open"))

    @property
    def unusable(self) -> int:
        """Replicates in which M misses the target of a task, or is there at the first dose."""
        return sum(any(pair.m_is_open for pair in found) for found in self.pairs.values())

    @property
    def outcome(self) -> Outcome:
        """What the table of rules says."""
        exhausted = self.seeds.exhausted
        found = decision_rules.Trainings(
            replicates=decision_rules.ReplicateFacts(tally=self.tally, levels=self.levels, exhausted=exhausted),
            unusable=self.unusable,
            at_edge=bool(self.at_edge),
            gained=tuple(gain.taught for gain in self.gains),
            guarded=tuple(gain.guarded for gain in self.gains),
        )
        return decision_rules.outcome_of(decision_rules.TRAINABILITY, found)


def evidence(assay: Assay) -> TrainingEvidence:
    """What an assay of a protocol with trainability has to say of it."""
    protocol = assay.protocol
    plan = protocol.trainability
    assert plan is not None
    seeds = seed_indices(assay, "trainability")
    pairs = {i: tuple(learning_curves.pair(assay, plan, task, i) for task in plan.tasks) for i in seeds.of_place}
    grids = {task: learning_rates.grid_of(assay, plan, task) for task in plan.tasks}
    return TrainingEvidence(
        plan=plan,
        levels=_levels(protocol),
        seeds=seeds,
        pairs=pairs,
        gains=tuple(_gain(assay, plan, place, pairs) for place in range(len(plan.tasks))),
        at_edge=tuple(f"{role} on {task}" for task, grid in grids.items() for role in grid.at_edge),
    )


def _levels(protocol: Protocol) -> Levels:
    """The evaluation sets are fixed: what errs is the seed level alone."""
    study = protocol.study
    make = replicates.descriptive_levels if study.descriptive else replicates.levels
    return make(replicates=study.seeds.attack, share=study.share, alpha=protocol.alpha, decisions=1)


def _gain(assay: Assay, plan: Plan, place: int, pairs: dict[int, tuple[TaskPair, ...]]) -> Gain:
    task, alpha = plan.tasks[place], assay.protocol.alpha
    held = [own[place] for own in pairs.values() if learning_curves.replicate_state(own) == "holds"]
    since = learning_curves.gain_of(assay, task, [own[place] for own in pairs.values()])
    return Gain(
        task=task,
        gained=learning_curves.gained(since, 2 * plan.margin, alpha),
        guard=learning_curves.guard(learning_curves.final_of(task, held), plan.margin, alpha / 2),
    )
