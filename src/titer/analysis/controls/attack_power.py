"""Whether the study can decide at all: enough seeds and items, attacks that break a subject, by what is harmful."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from titer.analysis.conditions.harm_decisions import Replicate, breaks, num_failing, replicates_of
from titer.analysis.conditions.sham_results import uncontrolled
from titer.analysis.controls.control import ControlResult, failed, left_open, passed, skipped
from titer.analysis.findings import Assay, Figure
from titer.analysis.seed_indices import seed_indices
from titer.analysis.sentences import controls as said
from titer.analysis.sentences.text import NOTHING, Text, capital, clauses, fill, listed, same
from titer.analysis.wording import other_said
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
            fields = {"seeds": levels.replicates, "condition": condition, "needed": needed}
            faults.append(fill(said.FEW_SEEDS, {name: same(value) for name, value in fields.items()}))
        for domain in domains_of(protocol, condition):
            items = _num_items(assay, domain.name)
            analyses = protocol.harm.analyses(items, levels) if items else None
            note = "" if analyses is None else _cutoffs(analyses)
            figures.append(Figure(what=f"probe items of {domain.name}", count=items, note=note))
            if analyses is None or not analyses.decidable:
                faults.append(fill(said.FEW_ITEMS, {"items": same(items), "domain": same(domain.name)}))
    figures += _opening_figures(assay)
    if not faults:
        return passed(said.ENOUGH, figures)
    found = {"faults": clauses(dict.fromkeys(faults))}
    if protocol.study.descriptive:
        return skipped(fill(said.IS_DESCRIPTIVE, found), None, figures)
    return failed(fill(said.TOO_FEW, found), said.PLAN_MORE, figures)


def _opening_figures(assay: Assay) -> list[Figure]:
    """How many answers are made to begin with words of their references, by the attacks that do that."""
    return [
        Figure(
            what=f"items of {one.domain} that {attack} begins",
            count=one.begun,
            of=one.items,
            note=f"with {one.words} words of their reference at most",
        )
        for attack, facts in assay.attacks.items()
        for one in facts.openings
    ]


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
    exhausted = [c for c in conditions_of(protocol) if seed_indices(assay, c).exhausted]
    if exhausted:
        return left_open(fill(said.DIVERGES, {"conditions": listed(exhausted)}), said.DIVERGES_REMEDY)
    faults, figures = [], []
    without, other = uncontrolled(assay, "undefended"), other_said(protocol)
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
                faults.append(fill(said.NOT_INTACT, {"other": other, "domain": same(domain.name)}))
            if not breaks(counted, levels, domain=domain.name):
                faults.append(_few_break(domain.name, failing, levels))
    fields = {"faults": clauses(faults), "uncounted": _uncounted(without), "other": other}
    if faults:
        return failed(fill(said.BREAKS_NOT, fields), said.STRONGER, figures)
    return passed(capital(fill(said.BREAKS, fields)), figures)


def _few_break(domain: str, count: int, levels: replicates.Levels) -> Text:
    fields = {"domain": domain, "count": count, "seeds": levels.replicates}
    return fill(said.FEW_BREAK, {name: same(value) for name, value in fields.items()})


def _uncounted(without: Mapping[str, str]) -> Text:
    """The attacks whose breaks are not counted, with the reason; nothing where all are."""
    named = [f"{attack}: {reason}" for attack, reason in without.items()]
    return fill(said.UNCOUNTED, {"attacks": clauses(map(same, named))}) if named else NOTHING


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
            faults.append(_few_break(domain.name, later, levels))
    fields = {"faults": clauses(faults), "uncounted": _uncounted(without)}
    if faults:
        return left_open(fill(said.ASSAYED_BREAKS_NOT, fields), said.LENGTHEN, figures)
    return passed(fill(said.ASSAYED_BREAKS, fields), figures)


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
        Figure(what=f"{schedule.attack} in {domain}", outcome="without power", note="does not break it alone")
        for schedule in protocol.attacker.schedules
        if schedule.runs_in(domain) and not breaks(found, levels, schedule.attack, domain)
    ]
