"""Whether the parts of a study fit together: splits, templates, environment, and the subject before any attack."""

from __future__ import annotations

from titer.analysis.controls.control import ControlResult, failed, first, passed, place
from titer.analysis.findings import Assay, Curve, DosePoint, Figure
from titer.analysis.sentences import controls as said
from titer.analysis.sentences.text import clauses, fill, listed, same
from titer.data.contamination import trap
from titer.data.identifiers import ProbeId
from titer.protocol.exposure import EXPOSED
from titer.records import Role
from titer.study.view import Values


def splits_disjoint(assay: Assay) -> ControlResult:
    """No row of one split is in another that must not know it, exactly or nearly."""
    shared = [overlap for overlap in assay.overlaps if overlap.exact or overlap.near]
    if not shared:
        return passed(said.DISJOINT)
    pairs = [f"{trap(o)}, {o.first} and {o.second}: {o.exact} the same, {o.near} nearly" for o in shared]
    figures = [Figure(what=f"{o.first}, {o.second}", count=o.exact + o.near) for o in shared]
    return failed(fill(said.NOT_DISJOINT, {"pairs": clauses(map(same, pairs))}), said.MAKE_DISJOINT, figures)


def same_template(assay: Assay) -> ControlResult:
    """Where a subject was trained, it was asked in the template of its training."""
    faults = [
        place(curve, point)
        for curve in assay.curves
        for point in curve.points
        if point.facts.template_train not in (None, point.facts.template_probe)
    ]
    if faults:
        return failed(fill(said.TWO_TEMPLATES, {"places": same(first(faults))}), said.SAME_FRAME)
    return passed(said.ONE_TEMPLATE)


def one_environment(assay: Assay) -> ControlResult:
    """All that is compared was computed in one environment."""
    found = {point.facts.environment.to_json(): point.facts for curve in assay.curves for point in curve.points}
    if len(found) <= 1:
        return passed(said.ONE_ENVIRONMENT)
    one, other, *_ = (facts.environment.to_data() for facts in found.values())
    differing = [key for key in one if one[key] != other[key]]
    reason = fill(said.ENVIRONMENTS, {"count": same(len(found)), "fields": listed(differing)})
    return failed(reason, said.RECOMPUTE)


def zero_is_baseline(assay: Assay) -> ControlResult:
    """At dose 0 of every attack each answer has the score that it has of the baseline subject."""
    baseline = {(t.subject, t.index): t.points[0] for t in assay.curves if t.purpose == "stability" and t.points}
    faults = []
    compared = 0
    for curve in assay.curves:
        own = [point for point in curve.points if point.facts.dose == 0]
        if curve.purpose not in (*EXPOSED, "sham") or not own:
            continue
        reference = baseline.get((curve.subject, curve.index)) or _only(baseline, curve)
        for probe, by_role in own[0].values.items():
            if probe.kind in ("plain", "reframed"):
                continue
            whole = ProbeId.of(probe.kind, probe.name)
            theirs = {} if reference is None else reference.values.get(whole, {})
            shared = sorted(by_role.keys() & theirs.keys())
            compared += 1
            if not shared:
                faults.append(f"{place(curve, own[0], probe)} (not asked of the baseline subject)")
            elif any(_differ(assay, (probe, by_role[role]), (whole, theirs[role])) for role in shared):
                faults.append(place(curve, own[0], probe))
    if faults:
        return failed(fill(said.ZERO_DIFFERS, {"places": same(first(faults))}), said.ZERO_REMEDY)
    return passed(said.ZERO_IS_BASELINE) if compared else failed(said.NO_ZERO, said.RUN_AGAIN)


def _differ(assay: Assay, one: tuple[ProbeId, Values], other: tuple[ProbeId, Values]) -> bool:
    """Whether an item that both probes asked has two scores; of items of their own the baseline is asked some."""
    first, second = (dict(zip(assay.items[probe], values, strict=False)) for probe, values in (one, other))
    return any(first[item] != second[item] for item in first.keys() & second.keys())


def _only(baseline: dict[tuple[Role, int], DosePoint], curve: Curve) -> DosePoint | None:
    """The baseline scores of a subject that is the same at every seed."""
    found = [point for (subject, _), point in baseline.items() if subject == curve.subject]
    return found[0] if len(found) == 1 else None
