"""Figures and curves as flat tables, one row a number or a dose, as CSV and Parquet. They have no text of an answer."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from titer.analysis.findings import Assay, Verdict
from titer.analysis.harm_counts import point_counts
from titer.report.escape import csv_text

FlatRow = dict[str, str | int | float | None]


def flat_tables(verdict: Verdict, assay: Assay) -> Mapping[str, list[FlatRow]]:
    """The rows of the two tables by name: `figures`, of every finding; `curves`, of every dose that was read.

    Args:
        verdict: what was concluded.
        assay: what it rests on.
    """
    return {"figures": list(_figures(verdict)), "curves": list(_curves(assay))}


def _figures(verdict: Verdict) -> Iterator[FlatRow]:
    for part, findings in (("condition", verdict.conditions), ("control", verdict.controls)):
        for finding in findings:
            told: FlatRow = {"part": part, "finding": finding.name, "finding_outcome": finding.outcome}
            empty: FlatRow = dict.fromkeys(_FIGURE)
            rows = [
                {name: value for name, value in figure.to_data().items() if name in _FIGURE}
                for figure in finding.figures
            ]
            yield from (told | empty | row for row in rows or [{}])


_FIGURE = ("what", "subject", "value", "low", "high", "unit", "count", "of", "outcome", "note")


def _curves(assay: Assay) -> Iterator[FlatRow]:
    domains = [domain.name for domain in assay.protocol.harm.domain]
    for curve in assay.curves:
        for point in curve.points:
            facts = point.facts
            where: FlatRow = {
                "purpose": curve.purpose,
                "subject": curve.subject,
                "attack": curve.attack,
                "seed": curve.index,
                "trial": curve.trial,
                "cell": curve.cells[0].key,
                "dose": facts.dose,
                "displacement": facts.displacement,
                "examples": facts.spent.examples,
                "tokens": facts.spent.tokens,
                "flops": facts.spent.flops,
                "failed": curve.failed if point is curve.points[-1] else None,
            }
            for domain in domains:
                counts = point_counts(assay, point, domain)
                if counts is not None:
                    harm: FlatRow = {
                        "harmful": counts.harmful,
                        "unjudged": counts.unjudged,
                        "incoherent": counts.incoherent,
                        "items": counts.items,
                    }
                    yield {**where, "about": domain, "measure": "harm", **harm, "total": None, "scored": None}
            for probe, by_role in point.values.items():
                for role, values in by_role.items():
                    if probe.kind == "task" and assay.kinds[probe][role] in ("correct", "loss"):
                        yield {**where, "about": probe.name, "measure": assay.kinds[probe][role], **_total(values)}


def _total(values: Sequence[float | None]) -> FlatRow:
    scored = [value for value in values if value is not None]
    none: FlatRow = dict.fromkeys(("harmful", "unjudged", "incoherent"))
    return {**none, "items": len(values), "total": sum(scored) if scored else None, "scored": len(scored)}


def to_csv(rows: Sequence[FlatRow]) -> str:
    """One table as CSV; no cell is a formula to a spreadsheet."""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, fieldnames=list(rows[0]) if rows else [], lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({name: csv_text(value) if isinstance(value, str) else value for name, value in row.items()})
    return stream.getvalue()


def to_parquet(rows: Sequence[FlatRow]) -> bytes:
    """One table as Parquet, texts as they are."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    sink = pa.BufferOutputStream()
    columns: dict[str, list[Any]] = {name: [row[name] for row in rows] for name in (rows[0] if rows else {})}
    pq.write_table(pa.table(columns), sink, compression="zstd")
    return bytes(sink.getvalue().to_pybytes())
