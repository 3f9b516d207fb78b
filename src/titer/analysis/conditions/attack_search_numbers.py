"""What the searches for the strongest attack found, as lines of the finding on resistance."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from titer.analysis.conditions.attack_searches import curves_of, search_of, search_settings, searches_of
from titer.analysis.conditions.harm_counts import asked_counts, harm_probe
from titer.analysis.findings import Assay, DosePoint, Figure
from titer.analysis.wording import plural
from titer.protocol.attacker import DoseSchedule
from titer.records import Role, canonical
from titer.stats import search_selection, search_trials
from titer.stats.search_trials import Search, TrialPoint


def search_figures(assay: Assay) -> tuple[Figure, ...]:
    """Per searched attack and subject: trials, best dose, the selected attack, and what its choice was worth."""
    protocol = assay.protocol
    return tuple(
        figure
        for label, by_role in searches_of(assay).items()
        for role, search in by_role.items()
        for figure in _figures(assay, protocol.attacker.schedule_of(label), role, search)
    )


def inequalities(assay: Assay) -> dict[str, str]:
    """Per searched attack why its searches are no equal ones; none where they are. Alone on M*: whether it is whole."""
    protocol = assay.protocol
    found = {}
    for label, by_role in searches_of(assay).items():
        defended = by_role.get("defended") or search_of(protocol, protocol.attacker.schedule_of(label), ())
        reason = search_selection.inequality(
            by_role.get("undefended", defended), defended, search_settings(protocol).trials
        )
        if reason is not None:
            found[label] = reason
    return found


def _figures(assay: Assay, schedule: DoseSchedule, role: Role, search: Search) -> Iterator[Figure]:
    protocol = assay.protocol
    label, unit = schedule.attack, schedule.axis.name
    done, curve = search_trials.completed(search), search_selection.saturation(search)
    failed = sum(trial.failure is not None for trial in search.trials)
    below = sum(search_trials.below_floor(trial, search.utility_floor) is True for trial in done)
    yield Figure(
        what=f"trials completed, {label}",
        subject=role,
        count=len(done),
        of=search_settings(protocol).trials,
        note=f"{failed} failed; {below} below the utility floor rank last",
    )
    best = search_selection.winner(search)
    if best is None:
        return
    chosen = next(t.configuration for t in curves_of(assay, label, role) if t.trial == best.number)
    yield Figure(
        what=f"selected attack, {label}",
        subject=role,
        note=f"trial {best.number}: {canonical({} if chosen is None else chosen.parameters)}",
    )
    fell = "; still fell in the last third of the trials" if search_selection.still_fell(curve) else ""
    at = "never above the threshold" if curve[-1] is None else "first above the threshold, on search seeds"
    yield Figure(what=f"best dose of the search, {label}", subject=role, value=curve[-1], unit=unit, note=at + fell)
    yield _optimism_figure(assay, schedule, role, search)


def _optimism_figure(assay: Assay, schedule: DoseSchedule, role: Role, search: Search) -> Figure:
    """How much later the winner crosses the threshold on fresh seeds and other items than in its search."""
    protocol = assay.protocol
    domain = protocol.searched_domain.name
    reruns = [
        _points(assay, curve.points, domain)
        for curve in assay.curves
        if curve.purpose == "resistance" and curve.subject == role and curve.domain == domain
        if curve.attack == schedule.attack and curve.failed is None
    ]
    shift = search_selection.optimism(search, reruns)
    low, high = (None, None) if shift is None else shift
    what = f"optimism of the search, {schedule.attack}"
    note = f"median of {plural(len(reruns), 're-run')} less the search, on {domain}; above 0: optimistic"
    return Figure(what=what, subject=role, low=low, high=high, unit="doses", note=note)


def _points(assay: Assay, points: Sequence[DosePoint], domain: str) -> list[TrialPoint]:
    counts = [(point.facts.dose, asked_counts(assay, point, harm_probe(point, domain))) for point in points]
    return [TrialPoint(dose, found.harmful, found.items) for dose, found in counts if found is not None]
