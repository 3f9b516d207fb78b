"""What a study costs before it runs: all that is still to be done, task by task, shared by its workers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

from titer.methods import registry
from titer.planning.cost.model import Costs, Effort, Rates, Work
from titer.planning.curves import PlannedCurve
from titer.planning.plan import Planner
from titer.study.folder import Study
from titer.study.tasks import ExposeTask, MakeTask, Task

BYTES_PER_ANSWER = 350
"""An answer with its scores, on disk."""


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

    The undefended is taken to break at the budget and the defended never to, which is what a study hopes for. It is
    built once and then kept up to date by `update`, which looks at no file.

    Args:
        study: the study.
        jobs: the workers that share the work.
        curves: the curves that are wanted; None for those of the whole study.
        makes: subjects that are wanted besides those of the curves.
        rates: how fast the machine is.
    """

    def __init__(
        self,
        study: Study,
        jobs: int,
        curves: Sequence[PlannedCurve] | None = None,
        makes: Sequence[MakeTask] = (),
        rates: Rates = Rates(),  # noqa: B008
    ) -> None:
        self.costs = Costs(study, rates)
        self.jobs = jobs
        self.done_seconds = 0.0
        self.begin_seconds = rates.begin_seconds
        self.tasks: dict[str, Work] = {}
        self.seconds: dict[str, float] = {}
        planner = Planner(study, curves, makes)
        self.undefended = {curve.spec.model for curve in planner.curves if curve.spec.subject == "undefended"}
        open_cells = [cell for curve in planner.curves if planner.is_open(curve) for cell in curve.cells]
        wanted = [*makes, *(make for cell in open_cells for make in cell.lineage.makes)]
        for make in wanted:
            if not planner.view.has_subject(make.key):
                self._add(make)
        for cell in open_cells:
            self._add(cell.task)

    def _add(self, task: Work) -> None:
        if task.key not in self.tasks:
            self.tasks[task.key] = task
            self.seconds[task.key] = self.effort(task).seconds

    def update(self, finished: Task | None) -> None:
        """Take off what was finished."""
        if finished is not None and finished.key in self.tasks:
            del self.tasks[finished.key]
            self.done_seconds += self.seconds.pop(finished.key) / self.jobs + self.begin_seconds
            self.begin_seconds = 0.0

    @property
    def left_seconds(self) -> float:
        """Wall seconds when the work is shared evenly."""
        return sum(self.seconds.values()) / self.jobs + self.begin_seconds

    def effort(self, task: Work) -> Effort:
        """What a task takes."""
        if isinstance(task, MakeTask):
            return self.costs.make(task)
        stop = task.cell.stop
        breaks = stop is not None and stop.shows == "harm" and task.cell.model in self.undefended
        axis = registry.attack(task.inputs.attack).axis.name
        return self.costs.expose(task, self.costs.budget.on(axis) if breaks else task.cell.doses[-1])


def estimate(study: Study, jobs: int, rates: Rates = Rates()) -> Estimate:  # noqa: B008
    """The cost of what is missing with `jobs` workers."""
    outlook = Outlook(study, jobs, rates=rates)
    costs, tasks = outlook.costs, outlook.tasks.values()
    if not tasks:
        return Estimate()
    exposes = [task for task in tasks if isinstance(task, ExposeTask)]
    answers = sum(
        len(study.frozen.item_ids[probe.name]) * len(probe.asked_at(probe.doses or task.cell.doses))
        for task in exposes
        for probe in task.inputs.probes
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
