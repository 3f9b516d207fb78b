"""Whether the study can decide at all: enough seeds and items, attacks that break a subject, by what is harmful."""

from __future__ import annotations

from collections.abc import Collection

from titer.analysis.conditions.harm_decisions import Replicate, breaks, num_failing, replicates_of
from titer.analysis.controls.control import ControlResult, failed, left_open, passed, skipped
from titer.analysis.controls.shams import uncontrolled
from titer.analysis.findings import Assay, Figure
from titer.data.identifiers import ProbeId
from titer.protocol.exposure import conditions_of, domains_of, levels_of, power_levels_of
from titer.protocol.schema import Protocol
from titer.stats import replicates
from titer.stats.group_sequential import SequentialPlan


def enough(assay: Assay) -> ControlResult:
    """The seeds and the probe items can decide the claim."""
    protocol = assay.protocol
    faults, figures = [], []
    for condition in conditions_of(protocol):
        levels = levels_of(protocol, condition)
        if not levels.decidable:
            needed = replicates.minimum_replicates(levels.share, levels.alpha)
            faults.append(f"{levels.replicates} seeds for {condition}, {needed} are needed")
        for domain in domains_of(protocol, condition):
            items = _num_items(assay, domain.name)
            analyses = protocol.harm.analyses(items, levels) if items else None
            note = "" if analyses is None else _cutoffs(analyses)
            figures.append(Figure(what=f"probe items of {domain.name}", count=items, note=note))
            if analyses is None or not analyses.decidable:
                faults.append(f"{items} probe items of {domain.name} cannot be decided either way")
    if not faults:
        return passed("every dose and every condition can be decided", figures)
    reason = "; ".join(dict.fromkeys(faults))
    if protocol.study.descriptive:
        return skipped(f"the study is descriptive: {reason}", None, figures)
    return failed(reason, "Plan more seeds or probe items, or say descriptive = true.", figures)


def _num_items(assay: Assay, domain: str) -> int:
    """The items by which a dose of a domain is decided: those of one place where each has its own."""
    own = assay.protocol.harm.items == "own"
    return len(assay.items.get(ProbeId.of("harm", domain, place=0 if own else None), ()))


def _cutoffs(analyses: SequentialPlan) -> str:
    """The cut-offs of each analysis, and of how many items where not all are asked by then."""
    said = []
    for analysis in analyses.analyses:
        intact = "never intact" if analysis.intact is None else f"intact up to {analysis.intact}"
        broken = "never broken" if analysis.broken is None else f"broken from {analysis.broken}"
        said.append(f"{intact}, {broken}" + ("" if analysis is analyses.analyses[-1] else f" of {analysis.asked}"))
    return "; ".join(said)


def undefended_breaks(assay: Assay) -> ControlResult:
    """Per domain: M is intact at dose 0, and at least S - r' of its replicates fail later, under controlled attacks."""
    protocol = assay.protocol
    if "undefended" not in assay.subjects:
        return _assayed_breaks(assay)
    faults, figures = [], []
    without = uncontrolled(assay, "undefended")
    for condition in conditions_of(protocol):
        levels = levels_of(protocol, condition)
        found = replicates_of(assay, condition, "undefended")
        counted = _without(found, without)
        for domain in domains_of(protocol, condition):
            failing = num_failing(counted, domain=domain.name)
            what = f"replicates that break in {domain.name}"
            figures.append(Figure(what=what, subject="undefended", count=failing, of=levels.replicates))
            figures += _power_figures(found, protocol, levels, domain.name)
            if not _intact_at_zero(found, domain.name):
                faults.append(f"not shown intact at dose 0 in {domain.name}")
            if not breaks(counted, levels, domain=domain.name):
                faults.append(f"only {failing} of {levels.replicates} seeds break in {domain.name}: nothing to break")
    named = "".join(f"; not counted: {attack} ({reason})" for attack, reason in without.items())
    if faults:
        remedy = "Take a stronger attack or a larger budget; where dose 0 is not intact, align the subject first."
        return failed("; ".join(faults) + named, remedy, figures)
    return passed(f"intact at dose 0 and broken later in every domain{named}", figures)


def _assayed_breaks(assay: Assay) -> ControlResult:
    """Without an M the assayed subject shows by its own breaks, anywhere on the ladder, that the attacks have power."""
    protocol = assay.protocol
    levels = power_levels_of(protocol)
    without = uncontrolled(assay, "defended")
    found = _without(replicates_of(assay, "resistance", "defended", levels), without)
    enough_fail = levels.replicates - (levels.r_fail or 0)
    figures, faults = [], []
    for domain in protocol.harm.domain:
        later = sum(
            any(curve.breaks_later for curve in replicate.curves if curve.domain == domain.name) for replicate in found
        )
        what = f"replicates that break in {domain.name} at a dose above 0, the budget or beyond"
        figures.append(Figure(what=what, subject="defended", count=later, of=levels.replicates))
        if later < enough_fail:
            faults.append(f"in {domain.name} {later} of {levels.replicates} seeds break at any dose")
    named = "".join(f"; not counted: {attack} ({reason})" for attack, reason in without.items())
    if not faults:
        return passed(f"it breaks, up to the budget or beyond, in every domain{named}", figures)
    reason = f"nothing shows that the attacks have power: {'; '.join(faults)}{named}"
    return left_open(reason, "Name a subject.reference that the attacks break, or lengthen the ladder.", figures)


def _without(found: tuple[Replicate, ...], attacks: Collection[str]) -> tuple[Replicate, ...]:
    """The replicates as they are without the curves of some attacks."""
    return tuple(
        Replicate(index=one.index, curves=tuple(curve for curve in one.curves if curve.attack not in attacks))
        for one in found
    )


def _intact_at_zero(found: tuple[Replicate, ...], domain: str) -> bool:
    decisions = [
        decision
        for replicate in found
        for curve in replicate.curves
        if curve.domain == domain
        for dose, decision in zip(curve.doses, curve.decisions, strict=True)
        if dose == 0
    ]
    return bool(decisions) and all(decision == "intact" for decision in decisions)


def _power_figures(
    found: tuple[Replicate, ...], protocol: Protocol, levels: replicates.Levels, domain: str
) -> list[Figure]:
    return [
        Figure(what=f"{choice.label} in {domain}", outcome="without power", note="does not break it alone")
        for choice in protocol.attacker.attack
        if not breaks(found, levels, choice.label, domain)
    ]
