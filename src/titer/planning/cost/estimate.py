"""What a study still has to do, and how long that takes on a machine where something was measured."""

from __future__ import annotations

from titer.analysis import stopping
from titer.methods import registry
from titer.planning.cells import CellBuilder
from titer.planning.cost.model import BYTES_PER_WEIGHT, Costs, Work
from titer.planning.cost.speed import RunLog, Speed
from titer.planning.curves import Cell, Track
from titer.planning.plan import Plan, all_tracks
from titer.study.folder import Study
from titer.study.store import Store
from titer.study.tasks import ExposeTask, JudgeTask, MakeTask, Task

BYTES_PER_ANSWER = 350
"""An answer with its scores, on disk."""


class Outlook:
    """What a study still has to do: the sum over its tasks, kept up to date by `update`.

    The undefended subject is taken to break at the budget and the defended one never to, which is what a study hopes
    for; the sham follows the undefended one. What searches will add is not foreseen.
    """

    def __init__(self, study: Study, jobs: int) -> None:
        self.study, self.jobs = study, jobs
        self.costs, self.speed, self.log = Costs(study), Speed(), RunLog(study.store.runs)
        self.tasks: dict[str, MakeTask | ExposeTask] = {}
        self.waiting: set[str] = set()
        self.left, self.peak_bytes = Work(), 0
        self.asked: tuple[int, tuple[str, ...]] | None = None
        cells = [cell for track in _expected(study) for cell in track.cells]
        self.undefended = {cell.planned.made_from for cell in cells if cell.planned.subject == "undefended"}
        for cell in cells:
            unread = _is_unread(study.store, cell)
            own: tuple[MakeTask | ExposeTask, ...] = (*cell.lineage.makes, cell.task)
            for task in own:
                self.tasks[task.key] = task
                if unread and task.key not in self.waiting and not study.store.subject(task.key).exists():
                    self._await(task)
        self._learn()

    def update(self, plan: Plan, finished: Task | None) -> None:
        """Take off what was finished, add what was not foreseen, and learn from the log how long it took."""
        if finished is not None and finished.key in self.waiting:
            self.waiting.remove(finished.key)
            self.left = self.left.plus(self.work(self.tasks[finished.key]), -1)
        asked = (len(plan.cells), plan.replaced)
        if asked != self.asked:
            self.asked = asked
            for task in plan.tasks:
                if task.key not in self.waiting and not isinstance(task, JudgeTask):
                    self._await(task)
        if not plan.unfinished:
            self.waiting.clear()
        if not self.waiting:
            self.left = Work()
        self._learn()

    @property
    def left_seconds(self) -> float | None:
        """Wall seconds of what is left, shared evenly by the workers; None before anything was measured here."""
        seconds = self.speed.seconds(self.left) if self.waiting else 0.0
        return None if seconds is None else seconds / self.jobs

    @property
    def searches(self) -> bool:
        """Whether searches may add trials, and runs of what they find, which are not counted."""
        lessons, attacks = self.study.protocol.trainability, self.study.protocol.attacker.attack
        return any(attack.search for attack in attacks) or (lessons is not None and len(lessons.rates) > 1)

    @property
    def memory_bytes(self) -> float:
        """What all workers hold at once: the larger of the weights they need and of what one was measured to take."""
        needed = [self.costs.memory(self.tasks[key]) for key in self.waiting]
        return self.jobs * max(*needed, self.peak_bytes) if needed else 0.0

    @property
    def disk_bytes(self) -> float:
        """What the store grows by: subjects, and answers with their scores."""
        tasks = [self.tasks[key] for key in self.waiting]
        subjects = sum(1 for task in tasks if isinstance(task, MakeTask) or task.keep_weights)
        asked = [(task, probe) for task in tasks if isinstance(task, ExposeTask) for probe in task.probes]
        items = self.study.frozen.item_ids
        answers = sum(len(items[probe.name]) * len(probe.asked_at(task.doses)) for task, probe in asked)
        return subjects * BYTES_PER_WEIGHT * self.costs.weights + answers * BYTES_PER_ANSWER

    def work(self, task: MakeTask | ExposeTask) -> Work:
        """What a task puts through the subject."""
        if isinstance(task, MakeTask):
            return self.costs.make(task)
        breaks = task.stop is not None and task.stop.shows == "harm" and task.subject.key in self.undefended
        budget = self.study.protocol.attacker.budget
        return self.costs.expose(task, budget.on(registry.attack(task.attack).axis.name) if breaks else task.doses[-1])

    def _await(self, task: MakeTask | ExposeTask) -> None:
        self.tasks[task.key] = task
        self.waiting.add(task.key)
        self.left = self.left.plus(self.work(task))

    def _learn(self) -> None:
        """Read what was logged since of this study's tasks, and of its subject."""
        for one in self.log.new():
            if one.work is not None and one.key == self.study.frozen.subject.key:
                self.speed.add(one.work, one.wall_seconds)
            elif one.key in self.tasks and not one.resumed_at:
                self.speed.add(self.work(self.tasks[one.key]), one.wall_seconds)
                self.peak_bytes = max(self.peak_bytes, one.peak_bytes)


def _expected(study: Study) -> list[Track]:
    """Every curve of the study, the shams that follow once the undefended subject's doses are known among them."""
    tracks, _ = all_tracks(study)
    planned = any(cell.planned.purpose == "sham" for track in tracks for cell in track.cells)
    if planned or not study.protocol.attacker.sham or "benign/sham" not in study.frozen.rows:
        return tracks
    seeds, budget = study.protocol.study.seeds, study.protocol.attacker.budget.steps
    builders = [CellBuilder(study, index) for index in range(seeds.first, seeds.first + seeds.attack)]
    return tracks + [track for builder in builders for track in builder.shams(budget, {})]


def _is_unread(store: Store, cell: Cell) -> bool:
    planned = cell.planned
    if store.failure(planned.key) is not None:
        return False
    return any(not store.answers(planned.key, dose).exists() for dose in stopping.wanted(store, planned))
