"""From a study folder, or a packed study, to an Assay: cells become curves. No torch from here on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from titer.analysis.curves import read_curve
from titer.analysis.findings import Assay, Curve, FailedMake
from titer.data.identifiers import ProbeId
from titer.errors import UnfinishedError
from titer.protocol.data_sources import TaskConfig
from titer.protocol.schema import Protocol
from titer.records import CellPurpose, Kind, Role
from titer.study.folder import Frozen, Study
from titer.study.tasks import CellSpec, RunStatus
from titer.study.unpacking import Packed, PackedResults
from titer.study.view import CellResults, StoreView

_NAMED: Final = 3
"""How many of the runs that are missing are named."""
CurveKey = tuple[CellPurpose, Role, str | None, str | None, str, int, int | None]


def assemble(study: Study) -> Assay:
    """Join all that was planned, asked and judged.

    Raises:
        UnfinishedError: if the run has not come to its end, or a score is missing; says which.
    """
    cells, status = study.read_cells(), study.read_status()
    if not status.finished:
        raise UnfinishedError(str(study.folder), _missing(study), f"Finish it: `titer run {study.folder}`.")
    frozen = _as_read(study.frozen, study.protocol)
    return _join(study.folder, frozen, cells, status, StoreView(study.store))


def assemble_packed(packed: Packed, folder: Path) -> Assay:
    """Join the tables of a packed study, which lie in a folder: the assay of the study that it was packed from."""
    frozen = _as_read(packed.whole.frozen, packed.whole.protocol)
    return _join(folder, frozen, packed.specs, packed.whole.status, PackedResults(packed))


def _missing(study: Study) -> str:
    """What a study that has not come to its end still lacks of all that was planned so far.

    A search plans its next trials from those before.
    """
    view = StoreView(study.store)
    grouped: dict[CurveKey, list[CellSpec]] = {}
    for cell in study.read_cells():
        grouped.setdefault(_key(cell), []).append(cell)
    read = [read_curve(study.frozen, view, group).missing for group in grouped.values()]
    missing = [_said(one[0]) for one in read if one is not None]
    if not missing:
        return "it is not finished, though nothing that is planned so far is missing"
    more = "" if len(missing) <= _NAMED else f"; and {len(missing) - _NAMED} more"
    return f"{len(missing)} of {len(grouped)} planned runs are missing ({'; '.join(missing[:_NAMED])}{more})"


def _as_read(frozen: Frozen, protocol: Protocol) -> Frozen:
    """With the protocol as it is now: since the study began its name may have changed, and nothing else."""
    return frozen.model_copy(update={"protocol": protocol})


def _join(folder: Path, frozen: Frozen, cells: Sequence[CellSpec], status: RunStatus, view: CellResults) -> Assay:
    unmade: dict[int, str] = {}
    grouped: dict[CurveKey, list[CellSpec]] = {}
    for cell in cells:
        reason = None if cell.seed.purpose == "search" else _unmade(view, cell)  # which counts an index of its own
        if reason is not None:
            unmade[cell.index] = reason
        else:
            grouped.setdefault(_key(cell), []).append(cell)
    return Assay(
        protocol=frozen.protocol,
        subjects=_subjects(cells),
        items=_numbered(frozen.item_ids),
        kinds=_kinds(frozen, cells),
        chance={ProbeId.of("task", task.name): _chance(task, frozen) for task in frozen.protocol.task},
        curves=tuple(_whole_curve(folder, frozen, view, group) for group in grouped.values()),
        overlaps=frozen.overlaps,
        earlier=frozen.earlier,
        attacks=frozen.attacks,
        seen_harm=frozen.seen_harm,
        failed_makes=tuple(FailedMake(index=index, reason=reason) for index, reason in sorted(unmade.items())),
    )


def _numbered(ids: Mapping[ProbeId, Sequence[str]]) -> dict[ProbeId, tuple[str, ...]]:
    """Numbers in place of the ids of items, equal for equal ids: nothing may rest on an id, which no pack has."""
    numbers: dict[str, str] = {}
    return {name: tuple(numbers.setdefault(one, str(len(numbers))) for one in ids[name]) for name in sorted(ids)}


def _key(cell: CellSpec) -> CurveKey:
    """What the cells of one curve have in common."""
    return (cell.purpose, cell.subject, cell.domain, cell.task, cell.attack, cell.index, cell.trial)


def _whole_curve(folder: Path, frozen: Frozen, view: CellResults, cells: Sequence[CellSpec]) -> Curve:
    """A curve that was read as far as the study wants.

    Raises:
        UnfinishedError: if it was not.
    """
    read = read_curve(frozen, view, cells)
    if read.missing is None:
        return read.curve
    cell, dose, answered = read.missing
    problem = f"it is not finished: {_said(cell)} was not {'judged' if answered else 'read'} at dose {dose}"
    raise UnfinishedError(str(folder), problem, f"Finish it: `titer run {folder}`.")


def _said(cell: CellSpec) -> str:
    """A curve in words, by one of its cells."""
    what = cell.domain or cell.task or "the baseline"
    return f"{cell.purpose}, {cell.subject}, {what}, seed index {cell.index}"


def _kinds(frozen: Frozen, cells: Sequence[CellSpec]) -> dict[ProbeId, dict[str, Kind]]:
    """The kind of the judge in each role, by probe."""
    kinds: dict[ProbeId, dict[str, Kind]] = {}
    for cell in cells:
        for judge in frozen.judges_of(cell):
            kinds.setdefault(judge.probe, {})[judge.role] = judge.kind
    return kinds


def _subjects(cells: Sequence[CellSpec]) -> dict[str, tuple[str, ...]]:
    """The keys of the models that play each part, in the order of the plan."""
    parts = dict.fromkeys(cell.subject for cell in cells)
    return {part: tuple(dict.fromkeys(c.model for c in cells if c.subject == part)) for part in parts}


def _unmade(view: CellResults, cell: CellSpec) -> str | None:
    """Why the subject of a cell could not be made, or None."""
    return next((reason for key in cell.makes if (reason := view.failure(key)) is not None), None)


def _chance(task: TaskConfig, frozen: Frozen) -> float | None:
    """The rate by guessing: one in the number of options, 0 for open answers, None for losses."""
    if task.kind == "loss":
        return None
    options = frozen.options.get(ProbeId.of("task", task.name), 0.0)
    return 1 / options if options else 0.0
