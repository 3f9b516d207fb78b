"""What can run now and is not in the store: a pure function of a study and its store, kept up to date by a planner."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from titer.errors import RunError, UnmadeError
from titer.planning.curves import PlannedCell, PlannedCurve
from titer.planning.missing import CurveState, asked_cells, state_of
from titer.planning.study_curves import StudyCurves
from titer.study.folder import Study
from titer.study.tasks import CellSpec, MakeTask, RunStatus, Task
from titer.study.view import StoreView

ORDER = ("make", "expose", "judge")
"""Which tasks come first."""


@dataclass(frozen=True)
class Plan:
    """The tasks that can run now, every cell asked for so far, and how many curves are not finished.

    `replaced` says which seed indices gave way to later ones, with the reason.
    """

    tasks: tuple[Task, ...]
    cells: tuple[CellSpec, ...]
    unfinished: int
    replaced: tuple[str, ...]


def plan(study: Study) -> Plan:
    """The tasks of the whole study that are missing, makes first.

    Raises:
        RunError: if the one defense of a claim about a checkpoint failed by its own doing.
    """
    return Planner(study).plan()


class Planner:
    """The plan of a study, or of a part of it, brought up to date with every finished task.

    What one task costs does not depend on the size of the study: only the curves that waited for it are looked at
    again. All curves are arranged anew where what was read changes which there are: a round of a search that is whole,
    a seed index that failed, the undefended subject read to its breaks, up to which the sham goes.

    Args:
        study: the study.
        curves: a part of its curves; None for the whole study.
        makes: subjects that are wanted besides those of the curves.
    """

    def __init__(
        self, study: Study, curves: Sequence[PlannedCurve] | None = None, makes: Sequence[MakeTask] = ()
    ) -> None:
        self.study = study
        self.view = StoreView(study.store)
        self.whole = StudyCurves(study, self.view) if curves is None and not makes else None
        self.curves: list[PlannedCurve] = list(curves or ())
        self.makes = {make.key: make for make in makes}
        self._states: dict[tuple[str, ...], CurveState] = {}
        self._waiting: dict[str, dict[tuple[str, ...], PlannedCurve]] = {}
        self._unfinished: set[tuple[str, ...]] = set()
        self._ready: dict[str, OrderedDict[str, Task]] = {kind: OrderedDict() for kind in ORDER}
        self._given: dict[str, Task] = {}
        self.arrangements = 0
        """How often the curves were arranged."""
        self._arrange()

    # ------------------------------------------------------------------ what can be done
    @property
    def unfinished(self) -> int:
        """How many curves and wanted subjects are not finished."""
        return len(self._unfinished) + sum(not self.view.has_subject(key) for key in self.makes)

    def is_open(self, curve: PlannedCurve) -> bool:
        """Whether a curve is not finished."""
        return curve.name in self._unfinished

    def open_cells(self, curve: PlannedCurve) -> tuple[PlannedCell, ...]:
        """The cells of a curve that are not finished, those that are not asked for yet among them."""
        return curve.cells[self._states[curve.name].asked - 1 :] if self.is_open(curve) else ()

    @property
    def under_way(self) -> tuple[Task, ...]:
        """The tasks that were given out and are not finished."""
        return tuple(self._given.values())

    def take(self) -> Task | None:
        """The next task that can be done and was not given out yet; None where there is none now."""
        queue = next((queue for queue in self._ready.values() if queue), None)
        if queue is None:
            return None
        key, task = queue.popitem(last=False)
        self._given[key] = task
        return task

    def plan(self) -> Plan:
        """All that is missing, as it stands."""
        waiting = [task for queue in self._ready.values() for task in queue.values()]
        return Plan(
            tasks=tuple(sorted((*self._given.values(), *waiting), key=lambda task: ORDER.index(task.kind))),
            cells=self.cells,
            unfinished=self.unfinished,
            replaced=self.replaced,
        )

    @property
    def cells(self) -> tuple[CellSpec, ...]:
        """Every cell asked for so far, in the order of the plan."""
        return tuple(cell for curve in self.curves for cell in asked_cells(curve, self._states[curve.name]))

    @property
    def replaced(self) -> tuple[str, ...]:
        """Which seed indices gave way to later ones, with the reason."""
        return self.whole.replaced if self.whole is not None else ()

    # ------------------------------------------------------------------ what was done
    def finish(self, task: Task) -> bool:
        """Take a finished task off, and find what can be done now; whether there may be other curves since.

        Raises:
            RunError: if it is still missing, or the one defense of a claim about a checkpoint failed.
        """
        self._given.pop(task.key, None)
        self.view.forget(task)
        reason = self.view.failure(task.key)
        if task.key in self.makes and reason is not None:
            raise UnmadeError(self.makes[task.key].role, reason)
        curves = self._waiting.pop(task.key, {})
        changed = [self._look_at(curve) for curve in curves.values()]
        self._want_makes()
        if self._ready[task.kind].get(task.key) == task:
            raise RunError(f"{task.kind} {task.key} was done, and is still missing")
        if self.whole is None or not self.whole.changed_by(changed):
            return False
        self._arrange()
        return True

    def keep(self) -> None:
        """Write down the cells that the whole study asks for, and how far its run is."""
        if self.whole is not None:
            finished = not self._given and not any(self._ready.values())
            self.study.keep_plan(self.cells, RunStatus(finished=finished, replaced=self.replaced))

    def _arrange(self) -> None:
        """Ask which curves there are until the answer stays the same, and look at those that are new."""
        self.arrangements += 1
        while True:
            if self.whole is not None:
                self.curves = self.whole.arranged(self._states)
            new = [curve for curve in self.curves if curve.name not in self._states]
            states = [self._look_at(curve) for curve in new]
            if self.whole is None or not self.whole.changed_by(states):
                break
        self._drop_unwanted({curve.name for curve in self.curves})
        self._want_makes()

    def _look_at(self, curve: PlannedCurve) -> tuple[PlannedCurve, CurveState]:
        """Find how far a curve is, and what of it can be done."""
        state = self._states[curve.name] = state_of(self.study, self.view, curve)
        (self._unfinished.add if state.tasks else self._unfinished.discard)(curve.name)
        for task in state.tasks:
            self._waiting.setdefault(task.key, {})[curve.name] = curve
            if task.key not in self._given:
                self._ready[task.kind][task.key] = task
        return curve, state

    def _want_makes(self) -> None:
        """The next of the wanted subjects that is not there; each is made from the one before it."""
        for make in self.makes.values():
            if not self.view.has_subject(make.key):
                if make.key not in self._given:
                    self._ready["make"][make.key] = make
                return

    def _drop_unwanted(self, names: Iterable[tuple[str, ...]]) -> None:
        """Take off what only curves wait for that are no longer asked for, as those of an index that gave way.

        They may be asked for again: those that were not finished are then looked at anew.
        """
        kept = set(names)
        self._unfinished &= kept
        self._states = {name: state for name, state in self._states.items() if name in kept or not state.tasks}
        for key, curves in list(self._waiting.items()):
            left = {name: curve for name, curve in curves.items() if name in kept}
            if left:
                self._waiting[key] = left
            else:
                del self._waiting[key]
                for queue in self._ready.values():
                    queue.pop(key, None)
