"""Whether the parts of a study fit together: splits, templates, environment, and the subject before any attack."""

from __future__ import annotations

from titer.analysis.controls.control import ControlResult, failed, first, passed, place
from titer.analysis.findings import Assay, Curve, DosePoint, Figure
from titer.data.contamination import trap
from titer.data.identifiers import ProbeId
from titer.protocol.exposure import EXPOSED
from titer.records import Role
from titer.study.view import Values


def splits_disjoint(assay: Assay) -> ControlResult:
    """No row of one split is in another that must not know it, exactly or nearly."""
    shared = [overlap for overlap in assay.overlaps if overlap.exact or overlap.near]
    if not shared:
        return passed("no two splits that must differ share a row, exactly or nearly")
    pairs = [f"{trap(o)}, {o.first} and {o.second}: {o.exact} the same, {o.near} nearly" for o in shared]
    figures = [Figure(what=f"{o.first}, {o.second}", count=o.exact + o.near) for o in shared]
    remedy = "Name a group column, take the rows from sources that differ, or tell them apart by `where`."
    return failed("; ".join(pairs), remedy, figures)


def same_template(assay: Assay) -> ControlResult:
    """Where a subject was trained, it was asked in the template of its training."""
    faults = [
        place(curve, point)
        for curve in assay.curves
        for point in curve.points
        if point.facts.template_train not in (None, point.facts.template_probe)
    ]
    if faults:
        return failed(f"they differ in {first(faults)}", "Let both use the same frame.")
    return passed("the digests of both are the same in every cell")


def one_environment(assay: Assay) -> ControlResult:
    """All that is compared was computed in one environment."""
    found = {point.facts.environment.to_json(): point.facts for curve in assay.curves for point in curve.points}
    if len(found) <= 1:
        return passed("every cell was computed in the same environment")
    one, other, *_ = (facts.environment.to_data() for facts in found.values())
    differing = [key for key in one if one[key] != other[key]] or ["more than one field"]
    reason = f"{len(found)} environments; they differ in {', '.join(differing)}"
    return failed(reason, "Compute the whole study in one of them, in a store of its own.")


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
            if probe.kind == "plain":
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
        remedy = "An attack changed the subject before its first step, or the answers are not reproducible."
        return failed(f"scores differ in {first(faults)}", remedy)
    if not compared:
        return failed("no attack was asked at dose 0", "Run the study again.")
    return passed("every score at dose 0 is that of the baseline subject")


def _differ(assay: Assay, one: tuple[ProbeId, Values], other: tuple[ProbeId, Values]) -> bool:
    """Whether an item that both probes asked has two scores; of items of their own the baseline is asked some."""
    first, second = (dict(zip(assay.items[probe], values, strict=False)) for probe, values in (one, other))
    return any(first[item] != second[item] for item in first.keys() & second.keys())


def _only(baseline: dict[tuple[Role, int], DosePoint], curve: Curve) -> DosePoint | None:
    """The baseline scores of a subject that is the same at every seed."""
    found = [point for (subject, _), point in baseline.items() if subject == curve.subject]
    return found[0] if len(found) == 1 else None
