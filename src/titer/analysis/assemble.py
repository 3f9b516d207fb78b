"""From a study folder to an Assay: cells become curves. No torch from here on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from titer.analysis import stopping
from titer.analysis.findings import Assay, Curve, DosePoint, FailedMake
from titer.errors import UnfinishedError
from titer.protocol.data_sources import TaskConfig
from titer.records import Kind
from titer.study.folder import Study
from titer.study.store import Store
from titer.study.tasks import Planned

CurveKey = tuple[str, str, str | None, str | None, str, int, int | None]


def assemble(study: Study) -> Assay:
    """Join all that was planned, asked and judged.

    Raises:
        UnfinishedError: if the run has not come to its end, or a reading is missing; says which.
    """
    cells = study.read_cells()
    status = study.read_status()
    if not status.finished:
        raise UnfinishedError(f"{study.folder} is not finished: `titer run {study.folder}`")
    unmade = {cell.index: reason for cell in cells if (reason := _unmade(study.store, cell)) is not None}
    grouped: dict[CurveKey, list[Planned]] = {}
    for cell in cells:
        if _unmade(study.store, cell) is not None:
            continue
        key = (cell.purpose, cell.subject, cell.domain, cell.task, cell.attack, cell.index, cell.trial)
        grouped.setdefault(key, []).append(cell)
    curves = tuple(curve_of(study, group) for group in grouped.values())
    kinds: dict[str, dict[str, Kind]] = {}
    for cell in cells:
        for judge in cell.judges:
            kinds.setdefault(judge.probe, {})[judge.role] = judge.kind
    return Assay(
        protocol=study.frozen.protocol,
        digest=study.frozen.digest,
        subjects=_subjects(cells),
        items=study.frozen.item_ids,
        kinds=kinds,
        chance={f"task:{task.name}": _chance(task, study) for task in study.protocol.task},
        curves=curves,
        overlaps=study.frozen.overlaps,
        replaced=status.replaced,
        earlier=study.frozen.earlier,
        attacks=study.frozen.attacks,
        failed_makes=tuple(FailedMake(index=index, reason=reason) for index, reason in sorted(unmade.items())),
    )


def curve_of(study: Study, cells: list[Planned]) -> Curve:
    """The cells of one subject, attack, domain and seed as one curve.

    Raises:
        UnfinishedError: if one of them was not read as far as the study wants.
    """
    found = [point for cell in cells for point in _points(study, cell)]
    first = cells[0]
    return Curve(
        purpose=first.purpose,
        subject=first.subject,
        domain=first.domain,
        task=first.task,
        attack=first.attack,
        index=first.index,
        cell=first.key,
        doses=tuple(sorted({dose for cell in cells for dose in cell.doses})),
        points=tuple(sorted(found, key=lambda point: point.facts.dose)),
        failed=next((reason for cell in cells if (reason := study.store.failure(cell.key)) is not None), None),
        configuration=first.configuration,
        trial=first.trial,
    )


def _subjects(cells: Sequence[Planned]) -> dict[str, tuple[str, ...]]:
    """The keys of the models that play each part, in the order of the plan."""
    parts = dict.fromkeys(cell.subject for cell in cells)
    return {part: tuple(dict.fromkeys(c.made_from for c in cells if c.subject == part)) for part in parts}


def _unmade(store: Store, cell: Planned) -> str | None:
    """Why the subject of a cell could not be made, or None."""
    return next((reason for key in cell.makes if (reason := store.failure(key)) is not None), None)


def _points(study: Study, cell: Planned) -> Iterator[DosePoint]:
    """The doses that the study wants; up to its failure, of a cell that failed."""
    store = study.store
    for dose in stopping.wanted(store, cell):
        judges = [judge for judge in cell.judges if judge.doses is None or dose in judge.doses]
        asked = store.answers(cell.key, dose).exists()
        if not asked and store.failure(cell.key) is not None:
            return
        if not asked or any(not store.scores(judge.key, dose).exists() for judge in judges):
            what = cell.domain or cell.task or "the baseline subject"
            raise UnfinishedError(
                f"{study.folder} is not finished: {cell.purpose}, {cell.subject}, {what}, seed index {cell.index} was "
                f"not {'judged' if asked else 'read'} at dose {dose}. `titer run {study.folder}`"
            )
        values: dict[str, dict[str, tuple[float | None, ...]]] = {}
        for judge in judges:
            values.setdefault(judge.probe, {})[judge.role] = store.read_values(judge.key, dose)
        yield DosePoint(facts=store.read_facts(cell.key, dose), values=values)


def _chance(task: TaskConfig, study: Study) -> float | None:
    """The rate by guessing: one in the number of options, 0 for open answers, None for losses."""
    if task.kind == "loss":
        return None
    options = study.frozen.options.get(f"task:{task.name}", 0.0)
    return 1 / options if options else 0.0
