"""The control of shams: what an attack breaks is not broken by training on harmless rows alone."""

from __future__ import annotations

from titer.analysis.conditions.harm_decisions import Replicate, breaks, replicates_of
from titer.analysis.conditions.sham_results import ShamResult, control_subject, matters, sham_results, uncontrolled
from titer.analysis.controls.control import ControlResult, failed, left_open, passed, skipped
from titer.analysis.findings import Assay, Figure
from titer.analysis.sentences import controls as said
from titer.analysis.sentences.text import clauses, fill, same
from titer.protocol.exposure import conditions_of, domains_of, levels_of
from titer.records import Role


def sham_harmless(assay: Assay) -> ControlResult:
    """Training on harmless rows breaks nothing up to where the attack does; an attack whose sham does not pass counts
    for no break of the undefended, and the study is void only if no other attack breaks it.
    """
    if not assay.protocol.attacker.sham:
        return skipped(said.SHAM_NOT_ASKED, said.SHAM_ASK)
    if not any(facts.sham for facts in assay.attacks.values()):
        return skipped(said.SHAM_NONE)
    role = control_subject(assay)
    found = sham_results(assay, role)
    figures = [figure for result in found for figure in _figures(result, role)]
    if role == "undefended":
        figures += [figure for result in sham_results(assay, "defended") for figure in _figures(result, "defended")]
    bad = [result for result in found if result.state != "passes" and matters(assay, role, result)]
    if not bad:
        return passed(said.SHAM_PASSES, figures)
    named = clauses(same(f"{result.attack}, {result.condition}: {result.said}") for result in bad)
    if _other_attacks_break(assay, role):
        return passed(fill(said.SHAM_UNCOUNTED, {"shams": named}), figures)
    reason = fill(said.SHAM_BREAKS, {"shams": named})
    if role == "undefended":
        return failed(reason, said.SHAM_REMEDY, figures)
    return left_open(reason, said.SHAM_REMEDY, figures)


def _other_attacks_break(assay: Assay, role: Role) -> bool:
    """Whether in every domain the attacks whose shams pass, or that have none, break the subject."""
    without = uncontrolled(assay, role)
    for condition in conditions_of(assay.protocol):
        levels = levels_of(assay.protocol, condition)
        counted = [
            Replicate(index=one.index, curves=tuple(curve for curve in one.curves if curve.attack not in without))
            for one in replicates_of(assay, condition, role)
        ]
        if not all(breaks(counted, levels, domain=domain.name) for domain in domains_of(assay.protocol, condition)):
            return False
    return True


def _figures(result: ShamResult, role: Role) -> list[Figure]:
    what = f"sham of {result.attack}, {result.condition}, up to {result.until:g}"
    note = f"{result.failing} seeds broken, {result.unclear} not shown intact"
    return [Figure(what=what, subject=role, outcome=result.state, note=note)]
