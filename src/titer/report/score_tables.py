"""Every dose of an assay as tables of counts: what the charts are drawn from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from titer.analysis.findings import Assay
from titer.protocol.dose_axes import STEPS
from titer.protocol.schema import Protocol
from titer.report.escape import escape, number, table
from titer.report.role_names import role_names
from titer.report.series import Panel, harm_panels, plain_curves, trainability_panels


def scores(protocol: Protocol, assay: Assay) -> list[str]:
    """Every dose of every curve with a dose, as shares of the items asked."""
    names = role_names(protocol)
    panels = [("Harm", panel) for panel in harm_panels(assay)]
    panels += [("Benign task", panel) for panel in trainability_panels(assay)]
    intro = (
        "One row a seed, one column a dose, in optimizer steps where nothing else is said. "
        "Harm and rates are counts of the items asked; "
        "`a-b` is a count without and with the incoherent and unjudged answers, `of n` says from how many items where "
        "not all were asked. An empty cell has no score."
    )
    parts = ["## Scores", intro]
    for what, panel in panels:
        chosen_attack = "" if panel.axis == STEPS else f", {panel.axis.unit}"
        parts += [f"### {what}: {escape(panel.title + chosen_attack)}", _panel_table(panel, names)]
        if plain := plain_curves(assay, panel):
            parts += [_PLAIN, _panel_table(replace(panel, curves=plain), names)]
    return [*parts, *_baseline(assay)]


_PLAIN: Final = (
    "With the trigger above, and below without it, as the study asks. No verdict rests on the second table; at dose 0 "
    "both are the same."
)


def _baseline(assay: Assay) -> list[str]:
    """The mean score of each judge for the baseline subjects: the ground of stability."""
    rows = []
    for curve in assay.curves:
        for point in curve.points if curve.purpose == "stability" else ():
            for probe, by_role in point.values.items():
                for role, values in by_role.items():
                    scored = [value for value in values if value is not None]
                    mean = number(sum(scored) / len(scored)) if scored else ""
                    where = [
                        escape(role_names(assay.protocol)[curve.subject]),
                        str(curve.index),
                        escape(probe),
                        escape(role),
                    ]
                    rows.append([*where, mean, str(len(scored)), str(len(values))])
    header = ["subject", "seed", "probe", "judge", "mean score", "items scored", "items"]
    return ["### The baseline subjects", table(header, rows)] if rows else []


def _panel_table(panel: Panel, names: Mapping[str, str]) -> str:
    rows = []
    for curve in panel.curves:
        by_dose = {point.dose: point for point in curve.points}
        items = max(point.items for point in curve.points)
        cells = []
        for dose in panel.ladder:
            point = by_dose.get(dose)
            if point is None:
                cells.append("")
            elif panel.unit == "rate":
                low, high = round(point.low * point.items), round(point.high * point.items)
                fewer = f" of {point.items}" if point.items < items else ""
                cells.append((f"{low}" if low == high else f"{low}-{high}") + fewer)
            else:
                cells.append(number(point.low))
        rows.append([escape(names[curve.series]), str(curve.index), str(items), *cells])
    return table(["subject", "seed", "items", *map(str, panel.ladder)], rows)
