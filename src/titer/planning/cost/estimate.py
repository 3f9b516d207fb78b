"""What a study still has to do, and how long that takes on a machine where something was measured."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from titer.data.identifiers import SplitId
from titer.planning.cells import CellBuilder
from titer.planning.cost.extent import AllAtOnce, Extent, Hoped, NeverEarly
from titer.planning.cost.model import Costs, Work
from titer.planning.cost.searches import work_to_come
from titer.planning.cost.speed import RunLog, Speed
from titer.planning.curves import PlannedCell, PlannedCurve
from titer.planning.plan import Planner
from titer.study.folder import Study
from titer.study.tasks import ExposeTask, MakeTask, Task


class Outlook:
    """What a study still has to do: the sum over its tasks, kept up to date by `update`.

    The undefended subject is taken to break at the budget and the defended one never to, which is what a study hopes
    for; the sham follows the undefended one. It is more than `least` and less than `most`. What searches of attacks
    will add is taken for runs of the attack written by hand; by how much those of learning rates widen their grid is
    not foreseen.

    Args:
        planner: the plan of the study.
        jobs: the workers that share the work.
    """

    def __init__(self, planner: Planner, jobs: int) -> None:
        self.planner, self.study, self.jobs = planner, planner.study, jobs
        study = planner.study
        self.costs, self.speed, self.log = Costs(study), Speed(), RunLog(study.store.runs)
        self.tasks: dict[str, MakeTask | ExposeTask] = {}
        self.waiting: set[str] = set()
        self.left, self.peak_bytes = Work(), 0
        self.arrangements = planner.arrangements
        undefended = {curve.spec.model for curve in planner.curves if curve.spec.subject == "undefended"}
        self.hoped = Hoped(study, self.costs, undefended)
        for curve in planner.curves:
            for cell in curve.cells:
                self.tasks |= {make.key: make for make in cell.lineage.makes}
                self.tasks[cell.task.key] = cell.task
        self._foresee(cell for curve in planner.curves for cell in planner.open_cells(curve))
        self._foresee(cell for curve in _shams_to_come(planner, self.hoped) for cell in curve.cells)
        self.to_come = self._searches_to_come(self.hoped)
        self._learn()

    def update(self, finished: Task | None) -> None:
        """Take off what was finished, add what was not foreseen, and learn from the log how long it took."""
        if finished is not None and finished.key in self.waiting:
            self.waiting.remove(finished.key)
            self.left = self.left.plus(self.work(self.tasks[finished.key]), -1)
        if self.planner.arrangements != self.arrangements:
            self.arrangements = self.planner.arrangements
            self._foresee(cell for curve in self.planner.curves for cell in self.planner.open_cells(curve))
            self.to_come = self._searches_to_come(self.hoped)
        if not self.planner.unfinished:
            self.waiting.clear()
            self.to_come = Work()
        if not self.waiting:
            self.left = Work()
        self._learn()

    @property
    def whole(self) -> Work:
        """What is left, and what searches of attacks will add to it."""
        return self.left.plus(self.to_come)

    @property
    def left_seconds(self) -> float | None:
        """Wall seconds of what is left, shared evenly by the workers; None before anything was measured here."""
        return self.seconds(self.whole) if self.waiting else 0.0

    @property
    def least(self) -> Work:
        """What is left if every curve that something ends is ended by its first dose above 0."""
        return self._where(AllAtOnce(self.study, self.costs))

    @property
    def most(self) -> Work:
        """What is left if every curve goes to the end of its ladder, and shams do."""
        return self._where(NeverEarly(self.study, self.costs))

    def seconds(self, work: Work) -> float | None:
        """Wall seconds of some work, shared evenly by the workers; None before anything was measured here."""
        seconds = self.speed.seconds(work)
        return None if seconds is None else seconds / self.jobs

    @property
    def searches(self) -> bool:
        """Whether attacks are searched: what that will add is counted, as if all were the attack written by hand."""
        return any(attack.search for attack in self.study.protocol.attacker.attack)

    @property
    def widens(self) -> bool:
        """Whether a search for a learning rate may widen its grid, which is not counted."""
        lessons = self.study.protocol.trainability
        return lessons is not None and len(lessons.rates) > 1

    @property
    def workers(self) -> int:
        """How many workers have something to do at once."""
        return min(self.jobs, len(self.waiting))

    @property
    def weight_bytes(self) -> float:
        """The weights that all workers hold at once, at most: a lower bound of the memory they take."""
        return self.workers * max((self.costs.memory(self.tasks[key]) for key in self.waiting), default=0.0)

    @property
    def measured_bytes(self) -> float:
        """What as many workers take by what one was measured to take here, of the memory of the machine."""
        return float(self.workers * self.peak_bytes)

    @property
    def memory_bytes(self) -> float:
        """What all workers hold at once: the larger of the weights they need and of what one was measured to take."""
        return max(self.weight_bytes, self.measured_bytes)

    @property
    def disk_bytes(self) -> float:
        """What the store grows by: subjects, answers with their scores, and partial states while subjects are made."""
        tasks = [self.tasks[key] for key in self.waiting]
        states = sorted((self.costs.partial_states(task) for task in tasks), reverse=True)
        return sum(map(self.costs.kept, tasks)) + sum(states[: self.jobs])

    def work(self, task: MakeTask | ExposeTask) -> Work:
        """What a task puts through the subject."""
        if isinstance(task, MakeTask):
            return self.costs.make(task)
        return self.hoped.work(task)

    def _searches_to_come(self, extent: Extent) -> Work:
        """What the searches of attacks that go on will add."""
        whole = self.planner.whole
        return Work() if whole is None else work_to_come(self.study, whole.searches, extent)

    def reached(self, extent: Extent) -> Iterator[tuple[MakeTask | ExposeTask, Work]]:
        """The tasks that are left where all curves go so far, each once, with their work; but for what searches add."""
        planner, counted = self.planner, set[str]()
        shams = (curve.cells for curve in _shams_to_come(planner, extent))
        for cells in (*(planner.open_cells(curve) for curve in planner.curves), *shams):
            makes = (make for cell in cells for make in cell.lineage.makes)
            tasks: list[tuple[MakeTask | ExposeTask, Work]] = [
                (make, self.costs.make(make)) for make in makes if not planner.view.has_subject(make.key)
            ]
            for task, work in [*tasks, *extent.exposed(cells)]:
                if task.key not in counted:
                    counted.add(task.key)
                    yield task, work

    def _where(self, extent: Extent) -> Work:
        """What is left where all curves go so far."""
        if not self.planner.unfinished:
            return Work()
        total = self._searches_to_come(extent)
        for _, work in self.reached(extent):
            total = total.plus(work)
        return total

    def _foresee(self, cells: Iterable[PlannedCell]) -> None:
        """Count what cells that are not finished take, and the makes of their subjects."""
        for cell in cells:
            tasks: tuple[MakeTask | ExposeTask, ...] = (*cell.lineage.makes, cell.task)
            for task in tasks:
                if task.key not in self.waiting and not self.planner.view.has_subject(task.key):
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


def _shams_to_come(planner: Planner, extent: Extent) -> Iterator[PlannedCurve]:
    """The shams that follow once the doses of a subject are known, of which some are not yet and may break it."""
    study: Study = planner.study
    protocol = study.protocol
    if not protocol.attacker.sham or SplitId.benign("sham") not in study.frozen.rows:
        return
    open_ones = {(curve.spec.subject, curve.spec.attack) for curve in planner.curves if planner.is_open(curve)}
    for place in range(protocol.study.seeds.attack):
        builder = CellBuilder(study, protocol.study.seeds.first + place)
        places = {domain.name: place for domain in protocol.harm.domain}
        for choice in protocol.attacker.attack:
            has_sham = study.frozen.attacks[choice.label].sham is not None
            dose = extent.sham_dose(protocol.attacker.schedule_of(choice.label))
            for role in extent.sham_roles():
                if has_sham and (role, choice.label) in open_ones:
                    yield from builder.sham(role, choice, dose, places, {})
