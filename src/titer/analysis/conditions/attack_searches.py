"""The searches of a study as they were read: the trials of each searched attack on each subject."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from titer.analysis.conditions.harm_readings import Values, counts_of
from titer.analysis.findings import Assay, Trace
from titer.protocol.attacker import Dosing, Searching
from titer.protocol.schema import Protocol
from titer.records import Choice, Kind, Role, digest
from titer.stats import search_trials
from titer.stats.binomial import Counts
from titer.stats.search_trials import Search, Trial, TrialRung, Utility

Read = Sequence[tuple[int, Mapping[str, Values]]]
"""The doses at which a trial was read, with the readings of each probe by role."""


def trial_of(
    protocol: Protocol, configuration: Choice, number: int, read: Read, kind: Kind, failure: str | None
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
    rungs = [_rung(dose, counts_of(values[probe], kind)) for dose, values in read]
    ranking = search_trials.ranking(rungs, protocol.harm.threshold)
    utility = None
    if ranking is not None and protocol.searched_tasks:
        at = {dose: _utility(protocol, values) for dose, values in read}
        utility = Utility(at[ranking.dose], at[rungs[0].dose])
    return Trial(
        number=number,
        round=number // searching(protocol).round,
        configuration=digest(configuration.to_data()),
        rungs=tuple(rungs),
        utility=utility,
        failure=failure,
    )


def search_of(protocol: Protocol, dosing: Dosing, found: Sequence[Trial]) -> Search:
    """The search that these trials are of."""
    floor = searching(protocol).utility_floor
    threshold = protocol.harm.threshold
    return Search(trials=tuple(found), ladder=dosing.ladder, threshold=threshold, utility_floor=floor)


def searching(protocol: Protocol) -> Searching:
    """How a study with a searched attack searches."""
    assert protocol.attacker.search is not None
    return protocol.attacker.search


def searches_of(assay: Assay, protocol: Protocol) -> dict[str, dict[Role, Search]]:
    """Every search of an assay, by the label of its attack and by subject."""
    attacker = protocol.attacker
    return {
        choice.label: {
            role: search_of(
                protocol, dosing, [_trial(assay, protocol, trace) for trace in traces_of(assay, choice.label, role)]
            )
            for role in roles_of(assay)
        }
        for choice, dosing in zip(attacker.attack, attacker.dosings, strict=True)
        if choice.search is not None
    }


def roles_of(assay: Assay) -> tuple[Role, ...]:
    """The parts that are played, M first."""
    both: tuple[Role, ...] = ("M", "M*")
    return tuple(role for role in both if role in assay.subjects)


def traces_of(assay: Assay, label: str, role: Role) -> list[Trace]:
    """The trials of one search, by number."""
    found = [t for t in assay.traces if t.trial is not None and t.attack == label and t.subject == role]
    return sorted(found, key=lambda trace: trace.trial or 0)


def _trial(assay: Assay, protocol: Protocol, trace: Trace) -> Trial:
    assert trace.configuration is not None
    assert trace.trial is not None
    read = [(rung.facts.dose, rung.values) for rung in trace.rungs]
    kind = assay.kinds[f"trial:{protocol.searched_domain.name}"]["harm"]
    return trial_of(protocol, trace.configuration, trace.trial, read, kind, trace.failed)


def _rung(dose: int, counts: Counts) -> TrialRung:
    return TrialRung(dose, counts.harmful, counts.items)


def _utility(protocol: Protocol, values: Mapping[str, Values]) -> float:
    """The rate of right answers over the `select` items of all tasks; a missing one is not right."""
    columns = [values[f"select:{task}"]["correct"] for task in protocol.searched_tasks]
    answers = [value for column in columns for value in column]
    return sum(value is not None and value >= 0.5 for value in answers) / len(answers)
