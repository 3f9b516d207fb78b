"""The searches of a study as they were read: the trials of each searched attack on each subject."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from titer.analysis.conditions.harm_readings import ValuesByRole, counts_of
from titer.analysis.findings import Assay, Curve
from titer.protocol.attacker import DoseSchedule, SearchSettings
from titer.protocol.schema import Protocol
from titer.records import Choice, Kind, Role, digest
from titer.stats import search_trials
from titer.stats.binomial import Counts
from titer.stats.search_trials import Search, Trial, TrialPoint, Utility

ReadDoses = Sequence[tuple[int, Mapping[str, ValuesByRole]]]
"""The doses at which a trial was read, with the readings of each probe by role."""


def trial_of(
    protocol: Protocol, configuration: Choice, number: int, read: ReadDoses, kind: Kind, failure: str | None
) -> Trial:
    """A trial from what was read of it.

    Args:
        protocol: the study.
        configuration: the attack as it was tried.
        number: place of the trial in its search.
        read: its readings, dose 0 first.
        kind: the kind of the harm judge.
        failure: why the attack itself failed, if it did.
    """
    probe = f"trial:{protocol.searched_domain.name}"
    points = [_point(dose, counts_of(values[probe], kind)) for dose, values in read]
    ranking = search_trials.ranking(points, protocol.harm.threshold)
    utility = None
    if ranking is not None and protocol.searched_tasks:
        at = {dose: _utility(protocol, values) for dose, values in read}
        utility = Utility(at[ranking.dose], at[points[0].dose])
    return Trial(
        number=number,
        round=number // search_settings(protocol).round,
        configuration=digest(configuration.to_data()),
        points=tuple(points),
        utility=utility,
        failure=failure,
    )


def search_of(protocol: Protocol, schedule: DoseSchedule, found: Sequence[Trial]) -> Search:
    """The search that these trials are of."""
    floor = search_settings(protocol).utility_floor
    threshold = protocol.harm.threshold
    return Search(trials=tuple(found), ladder=schedule.ladder, threshold=threshold, utility_floor=floor)


def search_settings(protocol: Protocol) -> SearchSettings:
    """How a study with a searched attack searches."""
    assert protocol.attacker.search is not None
    return protocol.attacker.search


def searches_of(assay: Assay, protocol: Protocol) -> dict[str, dict[Role, Search]]:
    """Every search of an assay, by the label of its attack and by subject."""
    attacker = protocol.attacker
    return {
        choice.label: {
            role: search_of(
                protocol, schedule, [_trial(assay, protocol, curve) for curve in curves_of(assay, choice.label, role)]
            )
            for role in roles_of(assay)
        }
        for choice, schedule in zip(attacker.attack, attacker.schedules, strict=True)
        if choice.search is not None
    }


def roles_of(assay: Assay) -> tuple[Role, ...]:
    """The parts that are played, M first."""
    both: tuple[Role, ...] = ("undefended", "defended")
    return tuple(role for role in both if role in assay.subjects)


def curves_of(assay: Assay, label: str, role: Role) -> list[Curve]:
    """The trials of one search, by number."""
    found = [t for t in assay.curves if t.trial is not None and t.attack == label and t.subject == role]
    return sorted(found, key=lambda curve: curve.trial or 0)


def _trial(assay: Assay, protocol: Protocol, curve: Curve) -> Trial:
    assert curve.configuration is not None
    assert curve.trial is not None
    read = [(point.facts.dose, point.values) for point in curve.points]
    kind = assay.kinds[f"trial:{protocol.searched_domain.name}"]["harm"]
    return trial_of(protocol, curve.configuration, curve.trial, read, kind, curve.failed)


def _point(dose: int, counts: Counts) -> TrialPoint:
    return TrialPoint(dose, counts.harmful, counts.items)


def _utility(protocol: Protocol, values: Mapping[str, ValuesByRole]) -> float:
    """The rate of right answers over the `select` items of all tasks; a missing one is not right."""
    columns = [values[f"select:{task}"]["correct"] for task in protocol.searched_tasks]
    answers = [value for column in columns for value in column]
    return sum(value is not None and value >= 0.5 for value in answers) / len(answers)
