"""What a study costs before it runs: all that is still to be done, task by task, shared by its workers."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import reduce

from titer.analysis import stopping
from titer.methods import registry
from titer.methods.search_configurations import typical_of
from titer.planning import attack_search
from titer.planning.cells import CellBuilder
from titer.planning.cost.model import Costs, Effort, Rates, Work
from titer.planning.curves import Cell, Track
from titer.planning.plan import Plan, all_tracks
from titer.records import Choice, Role
from titer.study.folder import Study
from titer.study.store import Store
from titer.study.tasks import ExposeTask, JudgeTask, MakeTask, Task

BYTES_PER_ANSWER = 350
"""An answer with its readings, on disk."""


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """What is still to be done: cells, tokens, operations, wall seconds, peak bytes of all workers, bytes of disk."""

    cells: int = 0
    tokens: float = 0.0
    flops: float = 0.0
    seconds: float = 0.0
    memory_bytes: float = 0.0
    disk_bytes: float = 0.0


class Outlook:
    """What a study still has to do, task by task, and how long that takes.

    M is taken to break at the budget and M* never to, which is what a study hopes for; the sham follows M. It is
    built once and then kept up to date by `update`, which looks at no file.

    Args:
        study: the study.
        jobs: the workers that share the work.
        tracks: the curves that are wanted; None for those of the whole study.
        makes: subjects that are wanted besides those of the curves.
        rates: how fast the machine is.
    """

    def __init__(
        self,
        study: Study,
        jobs: int,
        tracks: Sequence[Track] | None = None,
        makes: Sequence[MakeTask] = (),
        rates: Rates = Rates(),  # noqa: B008
    ) -> None:
        self.costs = Costs(study, rates)
        self.jobs = jobs
        self.done_seconds = 0.0
        self.begin_seconds = rates.begin_seconds
        self.tasks: dict[str, Work] = {}
        foreseen = _foreseen(study) if tracks is None else []
        known = _expected(study) if tracks is None else tracks
        cells = [cell for track in (*known, *foreseen) for cell in track.cells]
        self.foreseen = {cell.task.key: _kind(cell.task) for track in foreseen for cell in track.cells}
        self.undefended = {cell.planned.made_from for cell in cells if cell.planned.subject == "undefended"}
        unread = [cell for cell in cells if _is_unread(study.store, cell)]
        wanted = [*makes, *(make for cell in unread for make in cell.lineage.makes)]
        self.tasks |= {make.key: make for make in wanted if not study.store.subject(make.key).exists()}
        self.tasks |= {cell.task.key: cell.task for cell in unread}
        self.seconds = {key: self.effort(task).seconds for key, task in self.tasks.items()}

    def update(self, plan: Plan, finished: Task | None) -> None:
        """Take off what was finished, and add what was not foreseen: a sham's doses, a seed that replaces another."""
        if finished is not None and finished.key in self.tasks:
            del self.tasks[finished.key]
            self.done_seconds += self.seconds.pop(finished.key) / self.jobs + self.begin_seconds
            self.begin_seconds = 0.0
        for task in plan.tasks:
            if not isinstance(task, JudgeTask):
                if isinstance(task, ExposeTask) and task.key not in self.tasks:
                    self._came(task)
                self.tasks[task.key] = task
                self.seconds[task.key] = self.effort(task).seconds
        if not plan.unfinished:
            self.tasks.clear()

    def _came(self, task: ExposeTask) -> None:
        """An exposure that was foreseen without its configuration takes the place of the one that stood for it."""
        for key, kind in self.foreseen.items():
            if kind == _kind(task):
                del self.foreseen[key], self.tasks[key], self.seconds[key]
                return

    @property
    def left_seconds(self) -> float:
        """Wall seconds when each worker takes the next task as it becomes free; a subject is made before it is used."""
        free = [0.0] * self.jobs
        made: dict[str, float] = {}
        waiting = sorted(self.tasks.values(), key=lambda task: (task.kind == "expose", _parent(task) in self.tasks))
        for task in waiting:
            end = max(heapq.heappop(free), made.get(_parent(task), 0.0)) + self.seconds[task.key]
            heapq.heappush(free, end)
            made[task.key] = end
        return max(free) + self.begin_seconds

    def effort(self, task: Work) -> Effort:
        """What a task takes."""
        if isinstance(task, MakeTask):
            return self.costs.make(task)
        breaks = task.stop is not None and task.stop.shows == "harm" and task.subject.key in self.undefended
        axis = registry.attack(task.attack).axis.name
        return self.costs.expose(task, self.costs.budget.on(axis) if breaks else task.doses[-1])


def estimate(study: Study, jobs: int, rates: Rates = Rates()) -> Estimate:  # noqa: B008
    """The cost of what is missing with `jobs` workers."""
    outlook = Outlook(study, jobs, rates=rates)
    costs, tasks = outlook.costs, outlook.tasks.values()
    if not tasks:
        return Estimate()
    exposes = [task for task in tasks if isinstance(task, ExposeTask)]
    answers = sum(
        len(study.frozen.item_ids[probe.name]) * len(probe.asked_at(probe.doses or task.doses))
        for task in exposes
        for probe in task.probes
    )
    effort = reduce(Effort.plus, map(outlook.effort, tasks))
    return Estimate(
        cells=len(exposes),
        tokens=effort.tokens,
        flops=effort.flops,
        seconds=outlook.left_seconds,
        memory_bytes=costs.memory(tasks) * jobs + 2 * rates.base_bytes,
        disk_bytes=(len(tasks) - len(exposes)) * 4 * costs.weights + answers * BYTES_PER_ANSWER,
    )


def _parent(task: Work) -> str:
    """The key of the subject that a task begins with."""
    return task.parent.key if isinstance(task, MakeTask) else task.subject.key


def _expected(study: Study) -> list[Track]:
    """Every curve of the study, the shams that follow once M's doses are known among them."""
    tracks, _ = all_tracks(study)
    planned = any(cell.planned.purpose == "sham" for track in tracks for cell in track.cells)
    if planned or not study.protocol.attacker.sham or "benign/sham" not in study.frozen.rows:
        return tracks
    budget = study.protocol.attacker.budget.steps
    return tracks + [track for builder in _builders(study) for track in builder.shams(budget, {})]


def _builders(study: Study) -> Iterator[CellBuilder]:
    seeds = study.protocol.study.seeds
    return (CellBuilder(study, index) for index in range(seeds.first, seeds.first + seeds.attack))


def _foreseen(study: Study) -> list[Track]:
    """The trials that searches will still come to, and the selected attacks, at their typical configuration."""
    attacker, found = study.protocol.attacker, attack_search.attack_searches(study)
    trial = CellBuilder(study, attack_search.SEARCH.index, "search")
    tracks: list[Track] = []
    typical: dict[str, dict[Role, Choice]] = {}
    for choice, schedule in zip(attacker.attack, attacker.schedules, strict=True):
        if choice.search is None or attacker.search is None:
            continue
        middle = typical_of(choice)
        for role in trial.subjects:
            found_search = found[choice.label].get(role)
            if found_search is not None and found_search.finished:
                continue
            typical.setdefault(choice.label, {})[role] = middle
            for number in range(0 if found_search is None else len(found_search.tracks), attacker.search.trials):
                tracks.append(trial.search_trial(role, choice, middle, schedule.ladder, number))
    for builder in _builders(study) if typical else ():
        tracks += [track for track in builder.exposures(typical) if _is_searched(track)]
        if attacker.sham and "benign/sham" in study.frozen.rows:
            tracks += [t for t in builder.shams(attacker.budget.steps, typical) if _is_searched(t)]
    return [_status_in(track, number) for number, track in enumerate(tracks)]


def _is_searched(track: Track) -> bool:
    return track.cells[0].planned.configuration is not None


def _status_in(track: Track, number: int) -> Track:
    """The same with keys of its own: tracks that stand for others may all have one configuration."""
    cells = []
    for cell in track.cells:
        key = f"{cell.task.key} {number}"
        task = cell.task.model_copy(update={"key": key})
        cells.append(replace(cell, task=task, planned=cell.planned.model_copy(update={"key": key})))
    return Track(tuple(cells))


def _kind(task: ExposeTask) -> tuple[str, str]:
    return task.purpose, task.subject.key


def _is_unread(store: Store, cell: Cell) -> bool:
    planned = cell.planned
    if store.failure(planned.key) is not None:
        return False
    return any(not store.answers(planned.key, dose).exists() for dose in stopping.wanted(store, planned))
