"""From the two tables of a packed study to the Assay that its folder gave. No store, no torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from titer.analysis.assemble import chance_of, curve_name, kinds_of, subjects_of
from titer.analysis.findings import Assay, Curve, DosePoint, FailedMake
from titer.data.identifiers import ProbeId
from titer.study import packed_rows
from titer.study.packed_rows import CellRow
from titer.study.tasks import CellSpec
from titer.study.unpacking import Packed, facts_of

PackedValues = dict[ProbeId, dict[str, tuple[float | None, ...]]]
RowName = tuple[packed_rows.CurveName, str]
"""What tells the rows of a cell from all others: one cell may stand in several curves."""


def assemble_packed(packed: Packed) -> Assay:
    """Join the rows of the two tables to curves."""
    whole, frozen = packed.whole, packed.whole.frozen
    rows: dict[RowName, list[CellRow]] = {}
    for row in packed.cells:
        rows.setdefault((packed_rows.curve_name(row), row.cell), []).append(row)
    unmade = {row.seed: row.unmade for row in packed.cells if row.unmade is not None}
    grouped: dict[packed_rows.CurveName, list[CellSpec]] = {}
    for cell in whole.cells:
        if rows[curve_name(cell), cell.key][0].unmade is None:
            grouped.setdefault(curve_name(cell), []).append(cell)
    values = _values(packed)
    return Assay(
        protocol=frozen.protocol,
        subjects=subjects_of(whole.cells),
        items=frozen.item_ids,
        kinds=kinds_of(frozen, whole.cells),
        chance=chance_of(frozen),
        curves=tuple(_curve(cells, rows, values) for cells in grouped.values()),
        overlaps=frozen.overlaps,
        replaced=whole.status.replaced,
        earlier=frozen.earlier,
        failed_makes=tuple(FailedMake(index=index, reason=reason) for index, reason in sorted(unmade.items())),
    )


def _curve(
    cells: Sequence[CellSpec],
    rows: Mapping[RowName, Sequence[CellRow]],
    values: Mapping[tuple[RowName, int], PackedValues],
) -> Curve:
    name = curve_name(cells[0])
    points, failed = [], None
    for cell in cells:
        for row in rows[name, cell.key]:
            failed = failed or row.failure
            if (facts := facts_of(row)) is not None:
                points.append(DosePoint(facts=facts, values=values.get(((name, cell.key), facts.dose), {})))
    return Curve(cells=tuple(cells), points=tuple(sorted(points, key=lambda p: p.facts.dose)), failed=failed)


def _values(packed: Packed) -> Mapping[tuple[RowName, int], PackedValues]:
    """What each judge says of each dose of a cell, item by item."""
    found: dict[tuple[RowName, int], dict[ProbeId, dict[str, list[float | None]]]] = {}
    for row in packed.scores:
        by_probe = found.setdefault(((packed_rows.curve_name(row), row.cell), row.dose), {})
        by_probe.setdefault(ProbeId(row.probe), {}).setdefault(row.role, []).append(row.value)
    return {
        where: {probe: {role: tuple(column) for role, column in by_role.items()} for probe, by_role in by_probe.items()}
        for where, by_probe in found.items()
    }
