"""Dose 0: what both subjects answered before any attack, as the tasks of stability."""

from __future__ import annotations

from titer.analysis.conditions.paired_scores import Column, Measure, Paired
from titer.analysis.findings import Assay, Curve
from titer.data.identifiers import ProbeId
from titer.records import Role


def tasks_at_dose_zero(assay: Assay) -> list[Paired]:
    """The protocol's tasks, then refusal per domain, over-refusal, and coherence over all domains."""
    protocol = assay.protocol
    assert protocol.stability is not None
    found = []
    for name in protocol.stability.tasks:
        task = protocol.task_named(name)
        loss = task.kind == "loss"
        role, sign, own = "loss" if loss else "correct", -1 if loss else 1, protocol.asks_by_place(task)
        before, after = _columns(assay, (ProbeId.of("task", name),), role, sign, own=own)
        unit: Measure = "nats per token" if loss else "rate"
        chance = None if loss else assay.chance[ProbeId.of("task", name)]
        found.append(
            Paired(
                name=name,
                unit=unit,
                before=before,
                after=after,
                chance=chance,
                descriptive=task.descriptive,
                items="own" if own else "shared",
            )  # fmt: skip
        )
    probes = tuple(ProbeId.of("harm", domain.name) for domain in protocol.harm.domain)
    implicit: list[tuple[str, tuple[ProbeId, ...], str, bool]] = [
        (f"refusal of {p.name}", (p,), "refusal", False) for p in probes
    ]
    if protocol.stability.over_refusal:
        implicit.append(("no over-refusal", (ProbeId.of("over_refusal"),), "refusal", True))
    implicit.append(("coherence", probes, "coherence", False))
    for name, asked, role, inverted in implicit:
        before, after = _columns(assay, asked, role, 1)
        if inverted:
            before, after = (tuple(_inverted(column) for column in side) for side in (before, after))
        found.append(Paired(name=name, unit="rate", before=before, after=after, chance=0.0))
    return found


def _columns(
    assay: Assay, probes: tuple[ProbeId, ...], role: str, sign: int, *, own: bool = False
) -> tuple[tuple[Column, ...], tuple[Column, ...]]:
    """What both subjects gave at dose 0, the items of several probes in a row; a column per seed of M*.

    Of a method the first S subjects that it was to make, whatever attacks did later; where it made none, or one was
    not asked, every item of that seed is missing. Where each seed has items of its own, both subjects are read by
    those of its place.
    """
    protocol = assay.protocol
    after = baseline(assay, "defended")
    before = baseline(assay, "undefended")
    if not before:
        return (), ()
    unmade = {failed.index for failed in assay.failed_makes}
    indices = [min(after)] if after else []
    if protocol.study.claim == "this method":
        seeds = protocol.study.seeds
        indices = list(range(seeds.first, seeds.first + seeds.attack))
    columns = []
    for place, index in enumerate(indices):
        asked = tuple(ProbeId.of(p.kind, p.name, place=place) for p in probes) if own else probes
        made = index in after and index not in unmade
        mine = _column(before.get(index, before[min(before)]), asked, role, sign)
        columns.append((mine, _column(after[index], asked, role, sign) if made else None))
    lengths = {len(column) for pair in columns for column in pair if column is not None}
    if len(lengths) != 1:
        return (), ()
    gone: Column = (None,) * lengths.pop()
    return tuple(b or gone for b, _ in columns), tuple(a or gone for _, a in columns)


def _column(curve: Curve, probes: tuple[ProbeId, ...], role: str, sign: int) -> Column | None:
    """The values of one role at dose 0 over some probes; None where one was not asked."""
    values = [curve.points[0].values.get(probe, {}).get(role) for probe in probes] if curve.points else [None]
    if any(value is None for value in values):
        return None
    return tuple(None if v is None else sign * v for column in values if column is not None for v in column)


def baseline(assay: Assay, subject: Role) -> dict[int, Curve]:
    """The curves of dose 0 by seed index: one for a fixed subject, one for each that a method made."""
    return {t.index: t for t in assay.curves if t.purpose == "stability" and t.subject == subject}


def _inverted(column: Column) -> Column:
    return tuple(None if value is None else 1 - value for value in column)
