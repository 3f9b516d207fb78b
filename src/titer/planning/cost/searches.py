"""What the searches of a study add that is not planned yet, as if all they try were the attack written by hand."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from titer.methods.search_configurations import written_of
from titer.planning.cells import CellBuilder, SelectedAttacks
from titer.planning.cost.extent import Extent
from titer.planning.cost.model import Work
from titer.planning.curves import PlannedCurve
from titer.planning.search.attack_searches import AttackSearches
from titer.planning.search.trials import RERUN_SEEDS, SEARCH_SEED
from titer.protocol.attacker import AttackChoice, winner_of_m
from titer.protocol.exposure import conditions_of
from titer.records import Role
from titer.stats.search.trials import FINALISTS, still_to_try
from titer.study.folder import Study

Counted = tuple[int, PlannedCurve]
"""A curve, and how many like it are to come."""


def work_to_come(study: Study, searches: AttackSearches, extent: Extent) -> Work:
    """The trials, shams and re-runs of the searches that go on, and the runs of what they select, shams included.

    Args:
        study: the study.
        searches: as far as they have come.
        extent: how far curves go.
    """
    total = Work()
    for label, (choice, schedule) in searches.searched.items():
        pending = [role for role in searches.builder.subjects if not _is_finished(searches, label, role)]
        for role in pending:
            for times, curve in _searched(study, searches, choice, extent.sham_dose(schedule), role):
                total = total.plus(extent.of(curve.cells), times)
        for curve in _selected(study, choice, pending, extent):
            total = total.plus(extent.of(curve.cells), study.protocol.study.seeds.attack)
    return total


def _is_finished(searches: AttackSearches, label: str, role: Role) -> bool:
    search = searches.found[label].get(role)
    return search is not None and search.finished


def _searched(
    study: Study, searches: AttackSearches, choice: AttackChoice, sham_dose: int, role: Role
) -> Iterator[Counted]:
    """What one search on one subject has still to propose."""
    settings, search = study.protocol.attacker.search, searches.found[choice.label].get(role)
    assert settings is not None
    builder, written, label = searches.builder, written_of(choice), choice.label
    ladder = study.protocol.attacker.schedule_of(label).ladder
    best = min(FINALISTS, settings.trials)
    trials = settings.trials if search is None else still_to_try(search.search, settings.trials)
    again = len(RERUN_SEEDS) * best if best > 1 and (search is None or not search.reruns) else 0
    yield trials + again, builder.trial(role, label, written, ladder, 0, SEARCH_SEED)
    sham = builder.sham_label(choice)
    if sham is not None:
        wanted = best if search is None else max(0, best - len(search.shams))
        yield wanted, builder.sham(role, sham, written, sham_dose, 0)


def _selected(study: Study, choice: AttackChoice, pending: Iterable[Role], extent: Extent) -> Iterator[PlannedCurve]:
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
        dose = extent.sham_dose(protocol.attacker.schedule_of(choice.label))
        for role in roles.intersection(extent.sham_roles()):
            yield from builder.sham(role, choice, dose, places, records)
