"""What is missing of one cell and of one curve: a pure function of the store as it was looked at."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from titer.analysis import stopping
from titer.errors import UnmadeError
from titer.planning.curves import PlannedCell, PlannedCurve
from titer.planning.lineage import PREPARED
from titer.protocol.schema import Protocol
from titer.study.folder import Study
from titer.study.tasks import CellSpec, JudgeTask, Task
from titer.study.view import StoreView


@dataclass(frozen=True, kw_only=True)
class CurveState:
    """How far a curve is.

    Attributes:
        asked: how many of its cells are asked for so far.
        tasks: what can be done now to finish it; nothing where it is finished.
        failed: why its attack failed by its own doing, if it did.
    """

    asked: int
    tasks: tuple[Task, ...]
    failed: str | None


def state_of(study: Study, view: StoreView, curve: PlannedCurve) -> CurveState:
    """How far a curve is: each of its cells is asked for when those before it are finished and show no break.

    Raises:
        UnmadeError: if the one defense of a claim about a checkpoint failed by its own doing.
    """
    failed: str | None = None
    for place, cell in enumerate(curve.cells, start=1):
        failed = failed or view.failure(cell.spec.key)
        tasks = tuple(_missing(study, view, cell))
        if tasks or (place < len(curve.cells) and _ends(view, cell)):
            return CurveState(asked=place, tasks=tasks, failed=failed)
    return CurveState(asked=len(curve.cells), tasks=(), failed=failed)


def broken_at(view: StoreView, protocol: Protocol, curve: PlannedCurve) -> int | None:
    """The first dose of a curve that the verdict calls broken; None where none is."""
    for cell in curve.cells:
        if (dose := stopping.broken_at(view, protocol, cell.spec, cell.task.inputs.judges)) is not None:
            return dose
    return None


def _ends(view: StoreView, cell: PlannedCell) -> bool:
    return stopping.ended_at(view, cell.spec, cell.task.inputs.judges) is not None


def _missing(study: Study, view: StoreView, cell: PlannedCell) -> Iterator[Task]:
    """The tasks that finish a cell: scores of the answers that are there; else its subject's makes, its exposure."""
    spec, judges = cell.spec, cell.task.inputs.judges
    if view.failure(spec.key) is not None or _is_unmade(study, view, cell):
        return
    answered = view.answered(spec.key)
    lacking = {dose: [j for j in judges if j.asked.at(dose) and dose not in view.scored(j.key)] for dose in spec.doses}
    open_doses = [dose for dose in spec.doses if dose not in answered or lacking[dose]]
    read = spec.doses[: spec.doses.index(open_doses[0])] if open_doses else spec.doses
    stop = spec.stop
    if open_doses and stop is not None and any(stopping.shows(view, stop, judges, dose) for dose in reversed(read)):
        open_doses = []
    unread = tuple(dose for dose in open_doses if dose in answered)
    if unread:
        late = tuple(judge for judge in judges if any(judge in lacking[dose] for dose in unread))
        yield JudgeTask(key=spec.key, judges=late, doses=unread, compute=cell.task.inputs.compute)
    elif open_doses or _lacks_weights(view, cell):
        yield next((make for make in cell.lineage.makes if not view.has_subject(make.key)), cell.task)


def _lacks_weights(view: StoreView, cell: PlannedCell) -> bool:
    """Whether the attacked weights are to be kept, and are not."""
    if not cell.task.inputs.keep_weights or cell.spec.doses[-1] == 0:
        return False
    end = stopping.ended_at(view, cell.spec, cell.task.inputs.judges)
    return end != 0 and not view.store.attacked(cell.spec.key).exists()


def _is_unmade(study: Study, view: StoreView, cell: PlannedCell) -> bool:
    """Whether the method failed to make the cell's subject, of which a claim about the method then lacks a replicate.

    Raises:
        UnmadeError: if the whole study rests on that subject.
    """
    for make in cell.lineage.makes:
        reason = view.failure(make.key)
        if reason is None:
            continue
        if study.protocol.study.claim == "this checkpoint" or make.seed == PREPARED:
            raise UnmadeError(make.role, reason)
        return True
    return False


def asked_cells(curve: PlannedCurve, state: CurveState) -> tuple[CellSpec, ...]:
    """The cells of a curve that are asked for so far."""
    return curve.specs[: state.asked]
