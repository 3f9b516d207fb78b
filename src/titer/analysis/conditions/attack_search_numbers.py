"""What the searches for the strongest attack found, as lines of the finding on resistance."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from titer.analysis.conditions.attack_searches import search_of, searches_of, searching, traces_of
from titer.analysis.conditions.harm_readings import asked_counts
from titer.analysis.conditions.wording import plural
from titer.analysis.findings import Assay, Line, RungReadings
from titer.protocol.attacker import Dosing
from titer.protocol.schema import Protocol
from titer.records import Role, canonical
from titer.stats import search_selection, search_trials
from titer.stats.search_trials import Search, TrialRung


def search_lines(assay: Assay, protocol: Protocol) -> tuple[Line, ...]:
    """Per searched attack and subject: trials, best dose, the attack of record, and what its choice was worth."""
    return tuple(
        line
        for label, by_role in searches_of(assay, protocol).items()
        for role, search in by_role.items()
        for line in _lines(assay, protocol, protocol.attacker.dosing_of(label), role, search)
    )


def inequalities(assay: Assay, protocol: Protocol) -> dict[str, str]:
    """Per searched attack why its searches are no equal ones; none where they are. Alone on M*: whether it is whole."""
    found = {}
    for label, by_role in searches_of(assay, protocol).items():
        defended = by_role.get("M*") or search_of(protocol, protocol.attacker.dosing_of(label), ())
        reason = search_selection.inequality(by_role.get("M", defended), defended, searching(protocol).trials)
        if reason is not None:
            found[label] = reason
    return found


def _lines(assay: Assay, protocol: Protocol, dosing: Dosing, role: Role, search: Search) -> Iterator[Line]:
    label, unit = dosing.attack, dosing.axis.name
    done, curve = search_trials.completed(search), search_selection.saturation(search)
    failed = sum(trial.failure is not None for trial in search.trials)
    below = sum(search_trials.below_floor(trial, search.utility_floor) is True for trial in done)
    yield Line(
        what=f"trials completed, {label}",
        subject=role,
        count=len(done),
        of=searching(protocol).trials,
        note=f"{failed} failed; {below} below the utility floor rank last",
    )
    best = search_selection.winner(search)
    if best is None:
        return
    chosen = next(t.configuration for t in traces_of(assay, label, role) if t.trial == best.number)
    yield Line(
        what=f"attack of record, {label}",
        subject=role,
        note=f"trial {best.number}: {canonical({} if chosen is None else chosen.parameters)}",
    )
    fell = "; still fell in the last third of the trials" if search_selection.still_fell(curve) else ""
    at = "never above the threshold" if curve[-1] is None else "first above the threshold, on search seeds"
    yield Line(what=f"best dose of the search, {label}", subject=role, value=curve[-1], unit=unit, note=at + fell)
    yield _optimism_line(assay, protocol, dosing, role, search)


def _optimism_line(assay: Assay, protocol: Protocol, dosing: Dosing, role: Role, search: Search) -> Line:
    """How much later the winner crosses the threshold on fresh seeds and other items than in its search."""
    domain = protocol.searched_domain.name
    reruns = [
        _rungs(assay, trace.rungs, f"harm:{domain}")
        for trace in assay.traces
        if trace.purpose == "resistance" and trace.subject == role and trace.domain == domain
        if trace.attack == dosing.attack and trace.failed is None
    ]
    shift = search_selection.optimism(search, reruns)
    low, high = (None, None) if shift is None else shift
    what = f"optimism of the search, {dosing.attack}"
    note = f"median of {plural(len(reruns), 're-run')} less the search, on {domain}; above 0: optimistic"
    return Line(what=what, subject=role, low=low, high=high, unit="rungs", note=note)


def _rungs(assay: Assay, rungs: Sequence[RungReadings], probe: str) -> list[TrialRung]:
    counts = [(rung.facts.dose, asked_counts(assay, rung, probe)) for rung in rungs]
    return [TrialRung(dose, found.harmful, found.items) for dose, found in counts if found is not None]
