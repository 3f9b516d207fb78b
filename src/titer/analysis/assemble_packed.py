"""From the two tables of a packed study to the Assay that its folder gave. No store, no torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from titer.analysis.assemble import chance_of
from titer.analysis.findings import Assay, Curve, DosePoint, FailedMake
from titer.records import Choice
from titer.study.packed_rows import CellRow, CurveName, curve_name
from titer.study.unpacking import Packed, facts_of

Values = dict[str, dict[str, tuple[float | None, ...]]]


def assemble_packed(packed: Packed) -> Assay:
    """Join the rows of the two tables to curves."""
    whole = packed.whole
    values = _values(packed)
    curves: dict[CurveName, list[CellRow]] = {}
    for row in packed.cells:
        if row.unmade is None:
            curves.setdefault(curve_name(row), []).append(row)
    unmade = {row.seed: row.unmade for row in packed.cells if row.unmade is not None}
    return Assay(
        protocol=whole.frozen.protocol,
        digest=whole.frozen.digest,
        subjects=_subjects(packed.cells),
        items=whole.frozen.item_ids,
        kinds=whole.kinds,
        chance=chance_of(whole.protocol, whole.frozen),
        curves=tuple(_curve(rows, values) for rows in curves.values()),
        overlaps=whole.frozen.overlaps,
        replaced=whole.status.replaced,
        earlier=whole.frozen.earlier,
        failed_makes=tuple(FailedMake(index=index, reason=reason) for index, reason in sorted(unmade.items())),
    )


def _curve(rows: Sequence[CellRow], values: Mapping[tuple[CurveName, str, int], Values]) -> Curve:
    first = rows[0]
    points = []
    for row in rows:
        if (facts := facts_of(row)) is not None:
            points.append(DosePoint(facts=facts, values=values.get((curve_name(row), row.cell, facts.dose), {})))
    return Curve.model_validate(
        {
            "purpose": first.purpose,
            "subject": first.subject,
            "domain": first.domain,
            "task": first.task,
            "attack": first.attack,
            "index": first.seed,
            "cell": first.cell,
            "doses": tuple(sorted({dose for row in rows for dose in row.ladder})),
            "points": tuple(sorted(points, key=lambda point: point.facts.dose)),
            "failed": next((row.failure for row in rows if row.failure is not None), None),
            "configuration": None if first.configuration is None else Choice.from_json(first.configuration),
            "trial": first.trial,
        }
    )


def _subjects(rows: Sequence[CellRow]) -> dict[str, tuple[str, ...]]:
    """The keys of the models that play each part, in the order of the rows."""
    parts = dict.fromkeys(row.subject for row in rows)
    return {part: tuple(dict.fromkeys(row.model for row in rows if row.subject == part)) for part in parts}


def _values(packed: Packed) -> Mapping[tuple[CurveName, str, int], Values]:
    """What each judge says of each dose of a cell, item by item."""
    found: dict[tuple[CurveName, str, int], dict[str, dict[str, list[float | None]]]] = {}
    for row in packed.scores:
        by_probe = found.setdefault((curve_name(row), row.cell, row.dose), {})
        by_probe.setdefault(row.probe, {}).setdefault(row.role, []).append(row.value)
    return {
        where: {probe: {role: tuple(column) for role, column in by_role.items()} for probe, by_role in by_probe.items()}
        for where, by_probe in found.items()
    }
