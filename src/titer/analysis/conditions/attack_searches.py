"""The searches of a study as they were read: the trials of each searched attack on each subject."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from titer.analysis.conditions.harm_counts import ValuesByRole, counts_of
from titer.analysis.findings import Assay, Curve
from titer.data.identifiers import ProbeId
from titer.protocol.attacker import DoseSchedule, SearchSettings
from titer.protocol.schema import Protocol
from titer.records import Kind, Role, digest
from titer.stats import search_trials
from titer.stats.binomial import Counts
from titer.stats.search_trials import Search, Trial, TrialPoint, Utility


def trial_of(protocol: Protocol, curve: Curve, kind: Kind) -> Trial:
    """A trial from what was read of it.

    Args:
        protocol: the study.
        curve: that of the trial, dose 0 first.
        kind: the kind of the harm judge.
    """
    assert curve.configuration is not None
    assert curve.trial is not None
    probe = ProbeId.of("trial", protocol.searched_domain.name)
    points = [_point(point.facts.dose, counts_of(point.values[probe], kind)) for point in curve.points]
    ranking = search_trials.ranking(points, protocol.harm.threshold)
    utility = None
    if ranking is not None and protocol.searched_tasks:
        at = {point.facts.dose: _utility(protocol, point.values) for point in curve.points}
        utility = Utility(at[ranking.dose], at[points[0].dose])
    return Trial(
        number=curve.trial,
        round=curve.trial // search_settings(protocol).round,
        configuration=digest(curve.configuration.to_data()),
        points=tuple(points),
        utility=utility,
        failure=curve.failed,
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


def searches_of(assay: Assay) -> dict[str, dict[Role, Search]]:
    """Every search of an assay, by the label of its attack and by subject."""
    protocol = assay.protocol
    attacker = protocol.attacker
    return {
        choice.label: {
            role: search_of(
                protocol,
                schedule,
                [trial_of(protocol, curve, _harm_kind(assay)) for curve in curves_of(assay, choice.label, role)],
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


def _harm_kind(assay: Assay) -> Kind:
    """What the harm judge of the trials reads."""
    protocol = assay.protocol
    return assay.kinds[ProbeId.of("trial", protocol.searched_domain.name)]["harm"]


def _point(dose: int, counts: Counts) -> TrialPoint:
    return TrialPoint(dose, counts.harmful, counts.items)


def _utility(protocol: Protocol, values: Mapping[ProbeId, ValuesByRole]) -> float:
    """The rate of right answers over the `select` items of all tasks; a missing one is not right."""
    columns = [values[ProbeId.of("select", task)]["correct"] for task in protocol.searched_tasks]
    answers = [value for column in columns for value in column]
    return sum(value is not None and value >= 0.5 for value in answers) / len(answers)
