"""What can run now and is not in the store: a pure function of a frozen study, asked again until nothing is left."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from titer.analysis import stopping
from titer.errors import RunError
from titer.planning import attack_search, learning_rate_search
from titer.planning.cells import CellBuilder, SelectedAttacks
from titer.planning.curves import Cell, Track
from titer.planning.lineage import PREPARED
from titer.protocol.dose_axes import STEPS
from titer.study.folder import Study
from titer.study.store import Store
from titer.study.tasks import JudgeTask, Planned, Task


@dataclass(frozen=True)
class Plan:
    """The tasks that can run now, every cell asked for so far, and how many of them are not finished.

    `replaced` says which seed indices gave way to later ones, with the reason; `whole` whether this is the plan of a
    whole study, and not of a part of it.
    """

    tasks: tuple[Task, ...]
    cells: tuple[Planned, ...]
    unfinished: int
    replaced: tuple[str, ...]
    whole: bool = False


@dataclass(frozen=True)
class Settled:
    """What searches have settled so far: the rates of benign tasks, and the selected attacks."""

    lessons: learning_rate_search.Chosen
    records: SelectedAttacks


def plan(study: Study) -> Plan:
    """The tasks of the whole study that are missing, makes first.

    Raises:
        RunError: if the one defense of a claim about a checkpoint failed by its own doing.
    """
    tracks, replaced = all_tracks(study)
    return replace(missing(study, tracks, replaced), whole=True)


def all_tracks(study: Study) -> tuple[list[Track], tuple[str, ...]]:
    """Every curve that can be asked for so far, and the seed indices that were replaced."""
    grids, found = learning_rate_search.grids(study), attack_search.attack_searches(study)
    settled = Settled(lessons=learning_rate_search.chosen(study, grids), records=attack_search.records(found))
    indices, replaced = seed_indices(study, settled)
    fixed = study.protocol.study.claim == "this checkpoint"
    tracks = [track for index in indices[: 1 if fixed else None] for track in CellBuilder(study, index).baseline()]
    tracks += learning_rate_search.trial_tracks(study, grids)
    tracks += [track for own in found.values() for found_search in own.values() for track in found_search.tracks]
    tracks += [track for index in indices for track in _tracks(study, index, settled)]
    if study.protocol.attacker.sham and "benign/sham" in study.frozen.rows:
        limit = _breaking_dose(study, tracks) if attack_search.settled(study, found) else None
        if limit is not None:
            records = settled.records
            tracks += [track for index in indices for track in CellBuilder(study, index).shams(limit, records)]
    return tracks, replaced


def missing(study: Study, tracks: list[Track], replaced: tuple[str, ...] = ()) -> Plan:
    """The tasks that finish these curves."""
    tasks: dict[str, Task] = {}
    cells: list[Planned] = []
    unfinished = 0
    for track in tracks:
        for cell in track.cells:
            cells.append(cell.planned)
            lacking = tuple(_missing(study, cell))
            unfinished += bool(lacking)
            tasks |= {task.key: task for task in lacking}
            if lacking or has_ended(study.store, cell):
                break
    order = {"make": 0, "expose": 1, "judge": 2}
    return Plan(
        tasks=tuple(sorted(tasks.values(), key=lambda task: order[task.kind])),
        cells=tuple(cells),
        unfinished=unfinished,
        replaced=replaced,
    )


def seed_indices(study: Study, settled: Settled) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """The seed indices of the replicates: those at which a cell failed give way to the next after the last.

    At most as many are replaced as there are replicates.
    """
    seeds = study.protocol.study.seeds
    active = list(range(seeds.first, seeds.first + seeds.attack))
    following = seeds.first + seeds.attack
    replaced: list[str] = []
    position = 0
    while position < len(active):
        reason = _failure(study, active[position], settled)
        if reason is None or len(replaced) >= seeds.attack:
            position += 1
            continue
        replaced.append(f"index {active[position]}: {reason}")
        active[position] = following
        following += 1
    return tuple(active), tuple(replaced)


def _failure(study: Study, index: int, settled: Settled) -> str | None:
    """Why the first cell of this index that fails does so, once all before it are finished; None if none does.

    The first in the order of the plan, not in time: so the reason is the same whatever was interrupted.
    """
    cells = [cell for track in _tracks(study, index, settled) for cell in track.cells]
    reasons = [study.store.failure(cell.planned.key) for cell in cells]
    for place, reason in enumerate(reasons):
        if reason is not None:
            before = cells[:place]
            return None if any(True for cell in before for _ in _missing(study, cell)) else reason
    return None


def _tracks(study: Study, index: int, settled: Settled) -> Iterator[Track]:
    """The attacks and benign fine-tunings of one replicate."""
    builder = CellBuilder(study, index)
    yield from builder.exposures(settled.records)
    for task, chosen in settled.lessons.items():
        yield from builder.trainings(task, chosen)


def _breaking_dose(study: Study, tracks: list[Track]) -> int | None:
    """The step up to which the sham is read: the latest at which a replicate of M broke, or the horizon.

    None while M's own curves in steps are not finished.
    """
    attacker = study.protocol.attacker
    horizon = attacker.ladder[-1]
    in_steps = {schedule.attack for schedule in attacker.schedules if schedule.axis == STEPS}
    latest = 0
    for track in tracks:
        first = track.cells[0].planned
        exposed = first.purpose in ("resistance", "generalization") and first.attack in in_steps
        if first.subject != "undefended" or not exposed:
            continue
        broken: int | None = None
        for cell in track.cells:
            if any(True for _ in _missing(study, cell)):
                return None
            broken = stopping.ended_at(study.store, cell.planned)
            if broken is not None:
                break
        latest = max(latest, horizon if broken is None else broken)
    return latest or None


def has_ended(store: Store, cell: Cell) -> bool:
    """Whether no later dose is wanted."""
    return stopping.ended_at(store, cell.planned) is not None


def _missing(study: Study, cell: Cell) -> Iterator[Task]:
    """The tasks that finish a cell: readings of the answers that are there; then its subject's makes, its exposure."""
    store, planned = study.store, cell.planned
    if store.failure(planned.key) is not None or _is_unmade(study, cell):
        return
    wanted = stopping.wanted(store, planned)
    answered = [dose for dose in wanted if store.answers(planned.key, dose).exists()]
    unread = list(_unread(store, cell, answered))
    if unread:
        yield from unread
        return
    keeps = cell.task.keep_weights and wanted[-1] > 0
    if len(answered) < len(wanted) or (keeps and not store.attacked(planned.key).exists()):
        yield next((make for make in cell.lineage.makes if not store.subject(make.key).exists()), cell.task)


def _unread(store: Store, cell: Cell, answered: list[int]) -> Iterator[JudgeTask]:
    """Who still has to judge the answers of a cell, at which doses."""
    for judge in cell.planned.judges:
        asked = [dose for dose in answered if judge.doses is None or dose in judge.doses]
        doses = tuple(dose for dose in asked if not store.scores(judge.key, dose).exists())
        if doses:
            yield JudgeTask(key=judge.key, judge=judge, doses=doses, compute=cell.task.compute)


def _is_unmade(study: Study, cell: Cell) -> bool:
    """Whether the method failed to make the cell's subject, of which a claim about the method then lacks a replicate.

    Raises:
        RunError: if the whole study rests on that subject.
    """
    for make in cell.lineage.makes:
        reason = study.store.failure(make.key)
        if reason is None:
            continue
        if study.protocol.study.claim == "this checkpoint" or make.seed == PREPARED:
            raise RunError(f"{make.role} could not be made: {reason}. Change the defense's parameters")
        return True
    return False
