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
from titer.report.series import Panel, Series, curves_beside, harm_panels, trainability_panels


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
        if plain := curves_beside(assay, panel, "plain"):
            parts += [_PLAIN, _panel_table(replace(panel, curves=plain), names)]
        if untrained := curves_beside(assay, panel, "reframed"):
            parts += [_REFRAMED, _panel_table(replace(panel, curves=untrained, ladder=(0,)), names)]
        parts += _displacements(panel, names)
    return [*parts, *_baseline(assay)]


_PLAIN: Final = (
    "With the trigger above, and below without it, as the study asks. No verdict rests on the second table; at dose 0 "
    "both are the same."
)

_REFRAMED: Final = (
    "Asked as the attack asks, before any training: what its template, system prompt or text around the prompt does "
    "alone. No verdict rests on it."
)
_MOVED: Final = (
    "How far the weights moved, as a share of their length; the mean over the seeds that were read at the dose. Steps "
    "say how long an attack took, and this how far it went: one step at a high rate is no small attack."
)


def _displacements(panel: Panel, names: Mapping[Series, str]) -> list[str]:
    """The mean displacement of each series by dose; nothing where no weight moved."""
    rows = []
    for series in dict.fromkeys(curve.series for curve in panel.curves):
        by_dose: dict[int, list[float]] = {}
        for point in (point for curve in panel.of(series) for point in curve.points):
            by_dose.setdefault(point.dose, []).append(point.displacement)
        means = [sum(by_dose[dose]) / len(by_dose[dose]) if dose in by_dose else None for dose in panel.ladder]
        if any(means):
            rows.append([escape(names[series]), *("" if mean is None else number(mean) for mean in means)])
    return [_MOVED, table(["subject", *map(str, panel.ladder)], rows)] if rows else []


def _baseline(assay: Assay) -> list[str]:
    """The mean score of each judge for the baseline subjects: the ground of stability.

    Fingerprints have no mean, for they only tell equal answers, and are others in a pack.
    """
    rows = []
    for curve in assay.curves:
        for point in curve.points if curve.purpose == "stability" else ():
            for probe, by_role in point.values.items():
                for role, values in by_role.items():
                    scored = [value for value in values if value is not None]
                    told = scored and assay.kinds[probe][role] != "fingerprint"
                    mean = number(sum(scored) / len(scored)) if told else ""
                    where = [
                        escape(role_names(assay.protocol)[curve.subject]),
                        str(curve.index),
                        escape(probe),
                        escape(role),
                    ]
                    rows.append([*where, mean, str(len(scored)), str(len(values))])
    header = ["subject", "seed", "probe", "judge", "mean score", "items scored", "items"]
    return ["### The baseline subjects", table(header, rows)] if rows else []


def _panel_table(panel: Panel, names: Mapping[Series, str]) -> str:
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
                vain = f" (found {point.looked_for})" if point.looked_for else ""
                cells.append((f"{low}" if low == high else f"{low}-{high}") + fewer + vain)
            else:
                cells.append(number(point.low))
        rows.append([escape(names[curve.series]), str(curve.index), str(items), *cells])
    return table(["subject", "seed", "items", *map(str, panel.ladder)], rows)
