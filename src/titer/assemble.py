"""From a study folder to an Assay: cells of one subject, attack, domain and seed joined to a trace. No torch from here on."""

from __future__ import annotations

from collections.abc import Iterable

from titer.errors import UnfinishedError
from titer.protocol import Task
from titer.records import Assay, Kind, Planned, RungReadings, Trace
from titer.store import Store
from titer.study import Study

TraceKey = tuple[str, str, str | None, str | None, str, int]


def assemble(study: Study) -> Assay:
    """Join all that was planned, asked and judged.

    Raises:
        UnfinishedError: if a reading is missing; says how many cells lack some.
    """
    cells = study.read_cells()
    grouped: dict[TraceKey, list[Planned]] = {}
    for cell in cells:
        key = (cell.purpose, cell.subject, cell.domain, cell.task, cell.attack, cell.index)
        grouped.setdefault(key, []).append(cell)
    traces = tuple(trace_of(study, group) for group in grouped.values())
    kinds: dict[str, dict[str, Kind]] = {}
    for cell in cells:
        for judge in cell.judges:
            kinds.setdefault(judge.probe, {})[judge.role] = judge.kind
    return Assay(
        protocol=study.frozen.protocol,
        digest=study.frozen.digest,
        subjects={cell.subject: cell.made_from for cell in cells},
        items=study.frozen.item_ids,
        kinds=kinds,
        chance={f"task:{task.name}": _chance(task, study) for task in study.protocol.task},
        traces=traces,
        overlaps=study.frozen.overlaps,
        replaced=study.read_replaced(),
    )


def trace_of(study: Study, cells: list[Planned]) -> Trace:
    """The cells of one subject, attack, domain and seed as one trace.

    Raises:
        UnfinishedError: if none of them was exposed yet.
    """
    rungs: list[RungReadings] = []
    failed: str | None = None
    for cell in cells:
        found = _rungs(study.store, cell)
        failed = failed or study.store.failure(cell.key)
        if not found and failed is None:
            raise UnfinishedError(
                f"{study.folder} is not finished: no readings for {cell.purpose}, {cell.subject}, "
                f"{cell.domain or cell.task or 'dose 0'}, seed index {cell.index}. `titer run {study.folder}`"
            )
        rungs.extend(found)
    first = cells[0]
    return Trace(
        purpose=first.purpose,
        subject=first.subject,
        domain=first.domain,
        task=first.task,
        attack=first.attack,
        index=first.index,
        cell=first.key,
        doses=tuple(sorted({dose for cell in cells for dose in cell.doses})),
        rungs=tuple(sorted(rungs, key=lambda rung: rung.facts.dose)),
        failed=failed,
    )


def _rungs(store: Store, cell: Planned) -> Iterable[RungReadings]:
    """The rungs that were asked and judged."""
    found = []
    for dose in cell.doses:
        judges = [judge for judge in cell.judges if judge.doses is None or dose in judge.doses]
        if not store.answers(cell.key, dose).exists():
            continue
        if any(not store.readings(judge.key, dose).exists() for judge in judges):
            raise UnfinishedError(f"answers of cell {cell.key} at dose {dose} are not judged yet: run the study again")
        values: dict[str, dict[str, tuple[float | None, ...]]] = {}
        for judge in judges:
            readings = store.read_readings(judge.key, dose)
            values.setdefault(judge.probe, {})[judge.role] = tuple(reading.value for reading in readings)
        found.append(RungReadings(facts=store.read_facts(cell.key, dose), values=values))
    return found


def _chance(task: Task, study: Study) -> float | None:
    """The rate by guessing: one in the number of options, 0 for open answers, None for losses."""
    if task.kind == "loss":
        return None
    options = study.frozen.options.get(f"task:{task.name}", 0.0)
    return 1 / options if options else 0.0
