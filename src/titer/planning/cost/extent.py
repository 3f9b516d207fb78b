"""How far the curves of a study go: as a study hopes, or as far as they can at least and at most."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Sequence

from titer.methods import registry
from titer.planning.cost.model import Costs, Work
from titer.planning.curves import PlannedCell
from titer.protocol.attacker import DoseSchedule
from titer.records import Role
from titer.study.folder import Study
from titer.study.tasks import CurtailedSampling, EarlyDecision, ExposeTask


class Extent(ABC):
    """What the cells of a curve take, and which shams follow.

    Args:
        study: the study.
        costs: of its tasks.
    """

    def __init__(self, study: Study, costs: Costs) -> None:
        self.protocol, self.costs = study.protocol, costs

    @abstractmethod
    def exposed(self, cells: Sequence[PlannedCell]) -> Iterator[tuple[ExposeTask, Work]]:
        """The tasks of those cells of one curve that are not finished, as far as they are reached, with their work."""

    @abstractmethod
    def sham_dose(self, schedule: DoseSchedule) -> int:
        """Up to which dose shams go."""

    def sham_roles(self) -> tuple[Role, ...]:
        """The subjects that shams follow: all that there are, since each may break."""
        return ("undefended", "defended") if self.protocol.compared else ("defended",)

    def of(self, cells: Sequence[PlannedCell]) -> Work:
        """The sum over cells of one curve."""
        total = Work()
        for _, work in self.exposed(cells):
            total = total.plus(work)
        return total


class Hoped(Extent):
    """The undefended subject breaks at the budget and the defended one never; the sham follows the undefended one.

    Args:
        study: the study.
        costs: of its tasks.
        undefended: the models of the undefended subjects.
    """

    def __init__(self, study: Study, costs: Costs, undefended: Collection[str]) -> None:
        super().__init__(study, costs)
        self.undefended = undefended

    def work(self, task: ExposeTask) -> Work:
        """What one cell takes."""
        stop, budget = task.cell.stop, self.protocol.attacker.budget
        if stop is None or stop.shows != "harm" or task.cell.model not in self.undefended:
            return self.costs.expose(task, task.cell.doses[-1])
        return self.costs.expose(task, budget.on(registry.attack(task.inputs.attack).axis.name))

    def exposed(self, cells: Sequence[PlannedCell]) -> Iterator[tuple[ExposeTask, Work]]:
        """Every cell."""
        for cell in cells:
            yield cell.task, self.work(cell.task)

    def sham_dose(self, schedule: DoseSchedule) -> int:
        """The budget."""
        return schedule.budget

    def sham_roles(self) -> tuple[Role, ...]:
        """That subject which breaks."""
        return super().sham_roles()[:1]


class AllAtOnce(Extent):
    """Every curve that something ends is ended by its first dose above 0, and each dose decided by as few items as can.

    That a subject is broken before any attack is left out.
    """

    def exposed(self, cells: Sequence[PlannedCell]) -> Iterator[tuple[ExposeTask, Work]]:
        """The first cell, where the curve may end there."""
        for cell in cells[:1] if cells and cells[0].task.cell.stop is not None else cells:
            task, early = cell.task, cell.task.inputs.early_decision
            first = next((dose for dose in task.cell.doses if dose), 0)
            until = task.cell.doses[-1] if task.cell.stop is None else first
            deciding = {} if early is None else {early.probe: self._fewest(early)}
            yield task, self.costs.expose(task, until, deciding)

    def sham_dose(self, schedule: DoseSchedule) -> int:
        """The first above 0."""
        return next(dose for dose in schedule.ladder if dose)

    def _fewest(self, early: EarlyDecision) -> int:
        """The fewest items by which a dose can be decided."""
        items = len(self.costs.frozen.item_ids[early.probe])
        if isinstance(early, CurtailedSampling):
            intact = items if early.intact is None else items - early.intact
            return min(intact, items if early.broken is None else early.broken)
        decisive = (one.asked for one in early.analyses if (one.intact, one.broken) != (None, None))
        return min(decisive, default=items)


class NeverEarly(Extent):
    """Every curve goes to the end of its ladder and is asked all items; shams do, too, as if that last dose broke."""

    def exposed(self, cells: Sequence[PlannedCell]) -> Iterator[tuple[ExposeTask, Work]]:
        """Every cell to its last dose."""
        for cell in cells:
            yield cell.task, self.costs.expose(cell.task, cell.task.cell.doses[-1])

    def sham_dose(self, schedule: DoseSchedule) -> int:
        """The last."""
        return schedule.ladder[-1]
