"""What the searches of a study add that is not planned yet, as if all they try were the attack written by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from titer.methods.search_configurations import written_of
from titer.planning.attack_search import AttackSearches
from titer.planning.cells import CellBuilder, SelectedAttacks
from titer.planning.cost.model import Work
from titer.planning.curves import PlannedCurve
from titer.planning.trials import RERUN_SEEDS, SEARCH_SEED
from titer.protocol.attacker import AttackChoice, DoseSchedule, winner_of_m
from titer.protocol.exposure import conditions_of
from titer.records import Role
from titer.stats.search_trials import FINALISTS, still_to_try
from titer.study.folder import Study
from titer.study.tasks import ExposeTask

Counted = tuple[int, PlannedCurve]
"""A curve, and how many like it are to come."""


def work_to_come(study: Study, searches: AttackSearches, work_of: Callable[[ExposeTask], Work]) -> Work:
    """The trials, shams and re-runs of the searches that go on, and the runs of what they select, shams included.

    Args:
        study: the study.
        searches: as far as they have come.
        work_of: what a task puts through its subject.
    """
    total = Work()
    for label, (choice, schedule) in searches.searched.items():
        pending = [role for role in searches.builder.subjects if not _is_finished(searches, label, role)]
        for role in pending:
            for times, curve in _searched(study, searches, choice, schedule, role):
                total = total.plus(_of(curve, work_of), times)
        for curve in _selected(study, choice, pending):
            total = total.plus(_of(curve, work_of), study.protocol.study.seeds.attack)
    return total


def _is_finished(searches: AttackSearches, label: str, role: Role) -> bool:
    search = searches.found[label].get(role)
    return search is not None and search.finished


def _searched(
    study: Study, searches: AttackSearches, choice: AttackChoice, schedule: DoseSchedule, role: Role
) -> Iterator[Counted]:
    """What one search on one subject has still to propose."""
    settings, search = study.protocol.attacker.search, searches.found[choice.label].get(role)
    assert settings is not None
    builder, written, label = searches.builder, written_of(choice), choice.label
    best = min(FINALISTS, settings.trials)
    trials = settings.trials if search is None else still_to_try(search.search, settings.trials)
    again = len(RERUN_SEEDS) * best if best > 1 and (search is None or not search.reruns) else 0
    yield trials + again, builder.trial(role, label, written, schedule.ladder, 0, SEARCH_SEED)
    sham = builder.sham_label(choice)
    if sham is not None:
        wanted = best if search is None else max(0, best - len(search.shams))
        yield wanted, builder.sham(role, sham, written, schedule.budget, 0)


def _selected(study: Study, choice: AttackChoice, pending: Iterable[Role]) -> Iterator[PlannedCurve]:
    """The runs for one replicate of what the searches of an attack that go on will select."""
    protocol = study.protocol
    builder, written = CellBuilder(study, protocol.study.seeds.first), written_of(choice)
    records: SelectedAttacks = {choice.label: dict.fromkeys(builder.subjects, written)}
    of_search = {choice.label, winner_of_m(choice.label)}
    roles = set(pending)
    for condition in conditions_of(protocol):
        for curve in builder.exposures(condition, 0, records):
            if curve.spec.attack in of_search and curve.spec.subject in roles:
                yield curve
    if protocol.attacker.sham and study.frozen.attacks[choice.label].sham:
        places = {domain.name: 0 for domain in protocol.harm.domain}
        budget = protocol.attacker.schedule_of(choice.label).budget
        for role in roles - ({"defended"} if protocol.compared else set()):
            yield from builder.sham(role, choice, budget, places, records)


def _of(curve: PlannedCurve, work_of: Callable[[ExposeTask], Work]) -> Work:
    total = Work()
    for cell in curve.cells:
        total = total.plus(work_of(cell.task))
    return total
