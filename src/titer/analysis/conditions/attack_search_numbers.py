"""What the searches for the strongest attack found, as lines of the finding on resistance."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from titer.analysis.conditions.attack_searches import (
    RATE,
    curves_of,
    reruns_of,
    search_settings,
    searched_rate,
    searches_of,
    shams_of,
)
from titer.analysis.findings import Assay, Curve, DosePoint, Figure
from titer.analysis.harm_counts import asked_counts, harm_probe
from titer.analysis.wording import plural
from titer.protocol.attacker import DoseSchedule
from titer.protocol.dose_axes import STEPS
from titer.records import DoseFacts, Role, canonical
from titer.stats.search import selection as search_selection
from titer.stats.search import trials as search_trials
from titer.stats.search.points import TrialPoint, crossing, ranking
from titer.stats.search.trials import Fault, Search, Trial

FAULTS: dict[Fault, str] = {
    "utility": "harmless answers get worse by it",
    "sham": "its sham does as much harm, or nearly",
}
"""Why a trial does not count, in words."""
AT_EDGE = "at the edge: a lower bound of the attacker"
"""Of a parameter whose selected value is an end of what was tried."""
BATCH = "batch"
AT_FIRST_DOSE = (
    "the first dose is reached: add a warm-up (schedule) or finer doses; one step of Adam is lr times a sign, "
    "no measure of effort"
)


def search_figures(assay: Assay) -> tuple[Figure, ...]:
    """Per searched attack and subject: trials, best dose, the selected attack, what its choice was worth, and cost."""
    protocol = assay.protocol
    return tuple(
        figure
        for label, by_role in searches_of(assay).items()
        for role, search in by_role.items()
        for figure in _figures(assay, protocol.attacker.schedule_of(label), role, search)
    )


def inequalities(assay: Assay) -> dict[str, str]:
    """Per searched attack why its searches are no equal ones; none where they are. Alone on M*: whether it is whole."""
    found = {}
    for label, by_role in searches_of(assay).items():
        one = next(iter(by_role.values()))
        defended = by_role.get("defended") or replace(one, trials=(), reruns=())
        reason = search_selection.inequality(
            by_role.get("undefended", defended), defended, search_settings(assay.protocol).trials
        )
        if reason is not None:
            found[label] = reason
    return found


def displacement_of(curve: Curve, trial: Trial, threshold: float) -> float | None:
    """How far the weights had moved at the dose that ranks a trial, as a share of their norm; None if none was read.

    Args:
        curve: that of the trial.
        trial: the trial.
        threshold: the acceptable f.
    """
    at = ranking(trial.points, threshold)
    return next((p.facts.displacement for p in curve.points if at is not None and p.facts.dose == at.dose), None)


def _figures(assay: Assay, schedule: DoseSchedule, role: Role, search: Search) -> Iterator[Figure]:
    label = schedule.attack
    yield _trials_figure(assay, label, role, search)
    best = search_selection.winner(search)
    if best is None:
        return
    chosen = next(curve for curve in curves_of(assay, label, role) if curve.trial == best.number)
    yield _selected_figure(label, role, search, best, chosen)
    yield _space_figure(assay, label, role, chosen)
    yield _best_dose_figure(schedule, role, search)
    yield from _strength_figures(schedule, role, search, best)
    moved = displacement_of(chosen, best, search.threshold)
    what, note = f"displacement of the selected attack, {label}", "of the weights, at its dose on the first search seed"
    yield Figure(what=what, subject=role, value=moved, note=note)
    yield _cost_figure(assay, schedule, role)
    yield _optimism_figure(assay, schedule, role, search)


def _trials_figure(assay: Assay, label: str, role: Role, search: Search) -> Figure:
    done, settings = search_trials.completed(search), search_settings(assay.protocol)
    failed = sum(trial.failure is not None for trial in search.trials)
    faults = [search_trials.fault_of(search, trial) for trial in done]
    utility = "no limit of utility" if settings.utility is None else f"{faults.count('utility')} lose too much utility"
    sham = f"{faults.count('sham')} do no more than their shams" if search.shams else "no shams"
    different = len(search_trials.distinct(done))
    repeated = "" if different == len(done) else f"; {plural(different, 'configuration')} among them"
    note = f"{failed} failed; {utility}; {sham}{repeated}"
    return Figure(what=f"trials completed, {label}", subject=role, count=len(done), of=settings.trials, note=note)


def _selected_figure(label: str, role: Role, search: Search, best: Trial, chosen: Curve) -> Figure:
    configuration = {} if chosen.configuration is None else chosen.configuration.parameters
    by_hand = ", written by hand" if best.number == 0 else ""
    fault = search_trials.fault_of(search, best)
    warning = "" if fault is None else f"; it does not count, and no trial does: {FAULTS[fault]}"
    note = f"trial {best.number}{by_hand}: {canonical(configuration)}{warning}"
    return Figure(what=f"selected attack, {label}", subject=role, note=note)


def _space_figure(assay: Assay, label: str, role: Role, chosen: Curve) -> Figure:
    """What the search tried of each parameter, what it did not search, and where the selected rate and batch lie."""
    facts = assay.attacks.get(label)
    searched = {} if facts is None else facts.searched
    names = [f"{name} {_written(part)}" for name, part in searched.items()]
    fixed = [] if facts is None or not facts.fixed else [f"not searched: {', '.join(facts.fixed)}"]
    rate = searched_rate(assay, label, role)
    edges = [] if rate.position != "at an edge" else [RATE]
    edges += [BATCH] if _batch_at_edge(assay, label, role, chosen, searched.get(BATCH)) else []
    notes = [*names, *fixed, f"{plural(rate.tried, 'rate')} tried"]
    if edges:
        notes.append(f"{' and '.join(edges)} {AT_EDGE}")
    what = f"space of the search, {label}"
    return Figure(
        what=what,
        subject=role,
        value=rate.best,
        low=rate.low,
        high=rate.high,
        unit="learning rate",
        note="; ".join(notes),
    )


def _written(part: Mapping[str, float] | Sequence[Any]) -> str:
    if isinstance(part, Mapping):
        return f"{part['low']:g} to {part['high']:g}"
    return ", ".join(value if isinstance(value, str) else canonical(value) for value in part)


def _batch_at_edge(assay: Assay, label: str, role: Role, chosen: Curve, part: Any) -> bool:
    """Whether the selected batch is the least or largest of the space and nothing beyond was tried.

    One row, and all the rows there are, are natural ends.
    """
    if not isinstance(part, Sequence) or chosen.configuration is None:
        return False
    domain, own = assay.protocol.searched_domain, chosen.configuration.parameters[BATCH]
    tried = [c.configuration.parameters[BATCH] for c in curves_of(assay, label, role) if c.configuration is not None]
    above = own >= max(part) and own == max(tried) and own < (domain.draw or domain.splits["attack"])
    return bool(above or (own <= min(part) and own == min(tried) and own > 1))


def _best_dose_figure(schedule: DoseSchedule, role: Role, search: Search) -> Figure:
    curve = search_selection.saturation(search)
    notes = ["never above the threshold" if curve[-1] is None else "first above the threshold, on search seeds"]
    if search_selection.still_fell(curve):
        notes.append("still fell in the last third of the trials")
    if schedule.axis == STEPS and search_selection.at_first_dose(search):
        notes.append(AT_FIRST_DOSE)
    what = f"best dose of the search, {schedule.attack}"
    return Figure(what=what, subject=role, value=curve[-1], unit=schedule.axis.name, note="; ".join(notes))


def _strength_figures(schedule: DoseSchedule, role: Role, search: Search, best: Trial) -> Iterator[Figure]:
    """The interpolated dose of the selected attack, over its search seeds, and of what was written by hand."""
    by_hand = next((trial for trial in search_trials.completed(search) if trial.number == 0), None)
    for what, trial in (("selected attack", best), ("attack written by hand", by_hand)):
        if trial is None:
            continue
        runs = [run.points for run in search_selection.runs_of(search, trial)]
        crossed = [points for points in runs if crossing(points, search.threshold) is not None]
        doses = [math.expm1(search_trials.lateness(search, points)) for points in crossed]
        whole = len(doses) == len(runs)
        middle = math.expm1(search_selection.median_lateness(search, trial)) if 2 * len(doses) > len(runs) else None
        yield Figure(
            what=f"dose of the {what}, {schedule.attack}",
            subject=role,
            value=middle,
            low=min(doses, default=None),
            high=max(doses) if whole else None,
            unit=schedule.axis.name,
            note=f"interpolated; median of {plural(len(runs), 'search seed')}, above the threshold on {len(doses)}",
        )


def _cost_figure(assay: Assay, schedule: DoseSchedule, role: Role) -> Figure:
    """What the search cost, beside what the attack written by hand alone costs."""
    label, unit = schedule.attack, schedule.axis.name
    trials, shams = curves_of(assay, label, role), shams_of(assay, label, role)
    reruns = reruns_of(assay, label, role)
    doses, operations = _spent([*trials, *shams, *reruns])
    by_hand, of_hand = _spent(trials[:1])
    counted = f"{plural(len(trials), 'trial')}, {plural(len(shams), 'sham')}, {plural(len(reruns), 're-run')}"
    note = f"{counted}: {doses} {unit}; the attack written by hand alone: {by_hand} {unit}, {of_hand:.2g} operations"
    what = f"cost of the search, {label}"
    return Figure(what=what, subject=role, value=float(operations), unit="floating-point operations", note=note)


def _spent(curves: Sequence[Curve]) -> tuple[int, int]:
    """The doses and the operations that curves took, as far as they were read; a cell that is part of two, once."""
    last: dict[str, DoseFacts] = {}
    for curve in reversed(curves):
        for cell in curve.cells:
            read = [point.facts for point in curve.points if point.facts.dose in cell.doses]
            if read:
                last[cell.key] = read[-1]
    return sum(facts.dose for facts in last.values()), sum(facts.spent.flops for facts in last.values())


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
    note = f"median of {plural(len(reruns), 'run')} for the verdict less the search, on {domain}; above 0: optimistic"
    return Figure(what=what, subject=role, low=low, high=high, unit="doses", note=note)


def _points(assay: Assay, points: Sequence[DosePoint], domain: str) -> list[TrialPoint]:
    counts = [(point.facts.dose, asked_counts(point, harm_probe(point, domain))) for point in points]
    return [TrialPoint(dose, found.harmful, found.items) for dose, found in counts if found is not None]
