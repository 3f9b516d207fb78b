"""What can run now and is not in the store: a pure function of a frozen study, asked again until nothing is left."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from titer.cells import Cell, CellBuilder, Track
from titer.conditions.exposure import counts_of
from titer.errors import RunError
from titer.records import ExposeTask, JudgeTask, MakeTask, Planned
from titer.store import Store
from titer.study import Study

Task = MakeTask | ExposeTask | JudgeTask


@dataclass(frozen=True)
class Plan:
    """The tasks that can run now, every cell asked for so far, and how many of them are not finished.

    `replaced` says which seed indices gave way to later ones, with the reason.
    """

    tasks: tuple[Task, ...]
    cells: tuple[Planned, ...]
    unfinished: int
    replaced: tuple[str, ...]


def plan(study: Study) -> Plan:
    """The tasks of the whole study that are missing, makes first.

    Raises:
        RunError: if the one defense of a claim about a checkpoint failed by its own doing.
    """
    tracks, replaced = all_tracks(study)
    return missing(study, tracks, replaced)


def all_tracks(study: Study) -> tuple[list[Track], tuple[str, ...]]:
    """Every trace that can be asked for so far, and the seed indices that were replaced."""
    indices, replaced = seed_indices(study)
    fixed = study.protocol.study.claim == "this checkpoint"
    tracks = [track for index in indices[: 1 if fixed else None] for track in CellBuilder(study, index).untouched()]
    tracks += [track for index in indices for track in _tracks(study, index)]
    if study.protocol.attacker.sham and "benign/sham" in study.frozen.rows:
        limit = _breaking_dose(study, tracks)
        if limit is not None:
            tracks += [track for index in indices for track in CellBuilder(study, index).shams(limit)]
    return tracks, replaced


def missing(study: Study, tracks: list[Track], replaced: tuple[str, ...] = ()) -> Plan:
    """The tasks that finish these traces."""
    tasks: dict[str, Task] = {}
    cells: dict[str, Planned] = {}
    unfinished = 0
    for track in tracks:
        for cell in track.cells:
            cells[cell.planned.key + cell.planned.purpose + str(cell.planned.index)] = cell.planned
            lacking = tuple(_missing(study.store, cell))
            unfinished += bool(lacking)
            tasks |= {task.key: task for task in lacking}
            if lacking or is_broken(study.store, cell):
                break
    order = {"make": 0, "expose": 1, "judge": 2}
    return Plan(
        tasks=tuple(sorted(tasks.values(), key=lambda task: order[task.kind])),
        cells=tuple(cells.values()),
        unfinished=unfinished,
        replaced=replaced,
    )


def seed_indices(study: Study) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """The seed indices of the units: those at which a cell failed give way to the next after the last.

    At most as many are replaced as there are units.
    """
    seeds = study.protocol.study.seeds
    active = list(range(seeds.first, seeds.first + seeds.attack))
    following = seeds.first + seeds.attack
    replaced: list[str] = []
    position = 0
    while position < len(active):
        reason = _failure(study, active[position])
        if reason is None or len(replaced) >= seeds.attack:
            position += 1
            continue
        replaced.append(f"index {active[position]}: {reason}")
        active[position] = following
        following += 1
    return tuple(active), tuple(replaced)


def _failure(study: Study, index: int) -> str | None:
    """Why a cell of this index failed by its method's own doing, or None."""
    for track in _tracks(study, index):
        for cell in track.cells:
            if (reason := study.store.failure(cell.planned.key)) is not None:
                return reason
    return None


def _tracks(study: Study, index: int) -> Iterator[Track]:
    """The attacks and benign fine-tunings of one unit."""
    builder = CellBuilder(study, index)
    yield from builder.exposures()
    yield from builder.trainings()


def _breaking_dose(study: Study, tracks: list[Track]) -> int | None:
    """The dose up to which the sham is read: the latest at which a unit of M broke, or the horizon.

    None while M's own traces are not finished.
    """
    horizon = study.protocol.attacker.ladder[-1]
    latest = 0
    for track in tracks:
        first = track.cells[0].planned
        if first.subject != "M" or first.purpose not in ("resistance", "generalization"):
            continue
        broken: int | None = None
        for cell in track.cells:
            if any(True for _ in _missing(study.store, cell)):
                return None
            broken = broken_dose(study.store, cell)
            if broken is not None:
                break
        latest = max(latest, horizon if broken is None else broken)
    return latest or None


def broken_dose(store: Store, cell: Cell) -> int | None:
    """The first dose at which the study's grading shows a break, or None."""
    stop = cell.task.stop
    if stop is None:
        return None
    roles = {judge.role: judge for judge in cell.planned.judges if judge.probe == stop.probe}
    for dose in cell.planned.doses:
        if any(not store.readings(judge.key, dose).exists() for judge in roles.values()):
            return None
        values = {
            role: tuple(reading.value for reading in store.read_readings(judge.key, dose))
            for role, judge in roles.items()
        }
        if counts_of(values, roles["harm"].kind).low >= stop.broken_from:
            return dose
    return None


def is_broken(store: Store, cell: Cell) -> bool:
    """Whether no later rung is wanted."""
    return broken_dose(store, cell) is not None


def _missing(store: Store, cell: Cell) -> Iterator[Task]:
    """The tasks that finish a cell: its subject's makes, its exposure, or only readings."""
    if store.failure(cell.planned.key) is not None:
        return
    end = broken_dose(store, cell)
    wanted = [dose for dose in cell.planned.doses if end is None or dose <= end]
    if any(not store.answers(cell.planned.key, dose).exists() for dose in wanted):
        yield from _runnable(store, cell)
        return
    for judge in cell.planned.judges:
        asked = [dose for dose in wanted if judge.doses is None or dose in judge.doses]
        doses = tuple(dose for dose in asked if not store.readings(judge.key, dose).exists())
        if doses:
            yield JudgeTask(key=judge.key, judge=judge, doses=doses)


def _runnable(store: Store, cell: Cell) -> Iterator[Task]:
    """The first make that is missing on the way to the cell's subject, or the exposure itself."""
    for make in cell.lineage.makes:
        if (reason := store.failure(make.key)) is not None:
            raise RunError(f"{make.role} could not be made: {reason}. Change the defense's parameters")
        if not store.subject(make.key).exists():
            yield make
            return
    yield cell.task
