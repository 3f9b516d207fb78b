"""From a study folder to an Assay: cells become curves. No torch from here on."""

from __future__ import annotations

from collections.abc import Sequence

from titer.analysis.curves import read_curve
from titer.analysis.findings import Assay, Curve, FailedMake
from titer.data.identifiers import ProbeId
from titer.errors import UnfinishedError
from titer.protocol.data_sources import TaskConfig
from titer.records import CellPurpose, Kind, Role
from titer.study.folder import Frozen, Study
from titer.study.tasks import CellSpec
from titer.study.view import StoreView

CurveId = tuple[CellPurpose, Role, str | None, str | None, str, int, int | None]


def assemble(study: Study) -> Assay:
    """Join all that was planned, asked and judged.

    Raises:
        UnfinishedError: if the run has not come to its end, or a score is missing; says which.
    """
    cells = study.read_cells()
    status = study.read_status()
    if not status.finished:
        raise UnfinishedError(f"{study.folder} is not finished: `titer run {study.folder}`")
    view = StoreView(study.store)
    unmade = {cell.index: reason for cell in cells if (reason := _unmade(view, cell)) is not None}
    grouped: dict[CurveId, list[CellSpec]] = {}
    for cell in cells:
        if _unmade(view, cell) is None:
            grouped.setdefault(curve_name(cell), []).append(cell)
    frozen = study.frozen
    return Assay(
        protocol=frozen.protocol,
        subjects=subjects_of(cells),
        items=frozen.item_ids,
        kinds=kinds_of(frozen, cells),
        chance=chance_of(frozen),
        curves=tuple(_whole_curve(study, view, group) for group in grouped.values()),
        overlaps=frozen.overlaps,
        replaced=status.replaced,
        earlier=frozen.earlier,
        attacks=frozen.attacks,
        failed_makes=tuple(FailedMake(index=index, reason=reason) for index, reason in sorted(unmade.items())),
    )


def curve_name(cell: CellSpec) -> CurveId:
    """What the cells of one curve have in common."""
    return (cell.purpose, cell.subject, cell.domain, cell.task, cell.attack, cell.index, cell.trial)


def _whole_curve(study: Study, view: StoreView, cells: Sequence[CellSpec]) -> Curve:
    """A curve that was read as far as the study wants.

    Raises:
        UnfinishedError: if it was not.
    """
    read = read_curve(study.frozen, view, cells)
    if read.missing is None:
        return read.curve
    cell, dose, answered = read.missing
    what = cell.domain or cell.task or "the baseline"
    raise UnfinishedError(
        f"{study.folder} is not finished: {cell.purpose}, {cell.subject}, {what}, seed index {cell.index} was "
        f"not {'judged' if answered else 'read'} at dose {dose}. `titer run {study.folder}`"
    )


def kinds_of(frozen: Frozen, cells: Sequence[CellSpec]) -> dict[ProbeId, dict[str, Kind]]:
    """The kind of the judge in each role, by probe."""
    kinds: dict[ProbeId, dict[str, Kind]] = {}
    for cell in cells:
        for judge in frozen.judges_of(cell):
            kinds.setdefault(judge.probe, {})[judge.role] = judge.kind
    return kinds


def subjects_of(cells: Sequence[CellSpec]) -> dict[str, tuple[str, ...]]:
    """The keys of the models that play each part, in the order of the plan."""
    parts = dict.fromkeys(cell.subject for cell in cells)
    return {part: tuple(dict.fromkeys(c.model for c in cells if c.subject == part)) for part in parts}


def _unmade(view: StoreView, cell: CellSpec) -> str | None:
    """Why the subject of a cell could not be made, or None."""
    return next((reason for key in cell.makes if (reason := view.failure(key)) is not None), None)


def chance_of(frozen: Frozen) -> dict[ProbeId, float | None]:
    """The rate by guessing of each task: one in the number of options, 0 for open answers, None for losses."""
    return {ProbeId.of("task", task.name): _chance(task, frozen) for task in frozen.protocol.task}


def _chance(task: TaskConfig, frozen: Frozen) -> float | None:
    """The rate by guessing: one in the number of options, 0 for open answers, None for losses."""
    if task.kind == "loss":
        return None
    options = frozen.options.get(ProbeId.of("task", task.name), 0.0)
    return 1 / options if options else 0.0
