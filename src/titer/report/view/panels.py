"""Curves for a page: each panel with the table that lies behind its chart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from titer.analysis.findings import Assay, Curve
from titer.analysis.harm_counts import harm_probe
from titer.analysis.sentences.text import Text, same
from titer.data.identifiers import ProbeId
from titer.report.escape import number
from titer.report.series import Panel, PlottedCurve, PlottedPoint, Series, harm_panels, trainability_panels
from titer.report.view.naming import SERIES, attack_said, axis_said, dose_said, series_names
from titer.report.view.said import Fact, Given, Said, Sentence, count, percentage, pointer, several
from titer.report.words import first_screen, sections


@dataclass(frozen=True, kw_only=True)
class CurveRow:
    """One curve as a row of a table: whose it is, its run, the items asked, and what was found at each dose."""

    series: Text
    run: Fact
    items: Said
    cells: tuple[Said | None, ...]


@dataclass(frozen=True, kw_only=True)
class PanelView:
    """A panel with what is said beside it.

    Attributes:
        key: its name on the page.
        title: what it is about.
        panel: the numbers that are drawn.
        places: of each curve, by its place in the assay, where the share at each dose stands in report.json.
        names: what the lines are called.
        axis: what is laid off along the doses.
        measure: what is laid off upwards.
        rule: the dashed rule in words.
        budget: the budget in words.
        doses: those of the ladder, with where they stand in report.json.
        rows: the table.
    """

    key: str
    title: Said
    panel: Panel
    places: Mapping[int, Mapping[int, str]]
    names: Mapping[Series, Text]
    axis: Said
    measure: Text
    rule: Said | None
    budget: Said | None
    doses: tuple[Fact, ...]
    rows: tuple[CurveRow, ...]

    @property
    def shown(self) -> tuple[Series, ...]:
        """The series that it has."""
        return tuple(series for series in SERIES if self.panel.of(series))


def harm_views(assay: Assay) -> tuple[PanelView, ...]:
    """Harm against the dose of each attack in each domain."""
    threshold = assay.protocol.harm.threshold
    rule = Sentence(
        template=first_screen.THRESHOLD,
        fields={"share": percentage(pointer("protocol", "harm", "threshold"), threshold)},
    )
    return tuple(
        _view(
            assay,
            panel,
            key=f"harm-{place}",
            title=Sentence(
                template=first_screen.PANEL,
                fields={"domain": Given(text=panel.about), "attack": attack_said(assay, panel.attack)},
            ),
            axis=axis_said(panel.axis),
            measure=first_screen.HARM_AXIS,
            rule=rule,
        )
        for place, panel in enumerate(harm_panels(assay))
    )


def trainability_views(assay: Assay) -> tuple[PanelView, ...]:
    """What was learned of each benign task against the steps of training."""
    found = []
    for order, panel in enumerate(trainability_panels(assay)):
        place = pointer("protocol", "trainability", "target", panel.about)
        rule = panel.rule is not None and Sentence(
            template=sections.TARGET, fields={"share": percentage(place, panel.rule)}
        )
        measure = sections.TASK_RATE if panel.unit == "rate" else sections.TASK_LOSS
        title = Given(text=panel.about)
        axis = sections.TRAINING_STEPS
        view = _view(assay, panel, key=f"task-{order}", title=title, axis=axis, measure=measure, rule=rule or None)
        found.append(view)
    return tuple(found)


def _view(
    assay: Assay, panel: Panel, *, key: str, title: Said, axis: Said, measure: Text, rule: Said | None
) -> PanelView:
    names = series_names(assay.protocol)
    budget = None
    if panel.budget is not None:
        place = pointer("protocol", "attacker", "budget", panel.axis.name)
        budget = dose_said(panel.axis.name, count(place, panel.budget))
    places = {curve.place: _places(assay, panel, curve) for curve in panel.curves}
    return PanelView(
        key=key,
        title=title,
        panel=panel,
        places=places,
        names=names,
        axis=axis,
        measure=measure,
        rule=rule,
        budget=budget,
        doses=tuple(_dose(assay, panel, dose) for dose in panel.ladder),
        rows=tuple(_row(panel, curve, places[curve.place], names) for curve in panel.curves),
    )


def _dose(assay: Assay, panel: Panel, dose: int) -> Fact:
    curve = next(curve.place for curve in panel.curves if dose in assay.curves[curve.place].doses)
    return count(pointer("curves", curve, "doses", assay.curves[curve].doses.index(dose)), dose)


def _places(assay: Assay, panel: Panel, curve: PlottedCurve) -> dict[int, str]:
    """Where each dose of a curve stands in report.json: its counts of harm, or the sum of its scores."""
    own = assay.curves[curve.place]
    places = {}
    for order, point in enumerate(own.points):
        at = pointer("curves", curve.place, "points", order)
        probe = harm_probe(point, panel.about)
        if own.purpose == "trainability":
            places[point.facts.dose] = at + pointer(
                "scores", ProbeId.of("task", panel.about), _judge(assay, own, panel)
            )
        elif probe is not None:
            places[point.facts.dose] = at + pointer("harm", probe)
    return places


def _judge(assay: Assay, curve: Curve, panel: Panel) -> str:
    kinds = assay.kinds[ProbeId.of("task", panel.about)]
    return next(role for role, kind in kinds.items() if kind in ("correct", "loss"))


def _row(panel: Panel, curve: PlottedCurve, places: Mapping[int, str], names: Mapping[Series, Text]) -> CurveRow:
    points = {point.dose: point for point in curve.points}
    most = max(point.items for point in curve.points)
    widest = next(point for point in curve.points if point.items == most)
    cells = [points.get(dose) for dose in panel.ladder]
    return CurveRow(
        series=names[curve.series],
        run=count(pointer("curves", curve.place, "index"), curve.index),
        items=count(f"{places[widest.dose]}/items", most),
        cells=tuple(None if point is None else _cell(panel, point, places[point.dose], most) for point in cells),
    )


def _cell(panel: Panel, point: PlottedPoint, place: str, most: int) -> Said:
    """How many answers were harmful, or right, at least and at most; of how many, where not of all."""
    if panel.unit != "rate":
        return Fact(place=same(place), shown=same(number(point.low)), form="mean")
    low, high = round(point.low * point.items), round(point.high * point.items)
    name = "harmful" if "/harm/" in place else "total"
    parts: list[Said] = [count(f"{place}/{name}", low)]
    if high > low:
        parts.append(
            Sentence(
                template=sections.OR_UP_TO, fields={"most": Fact(place=same(place), shown=same(high), form="most")}
            )
        )
    if point.items != most:
        parts.append(Sentence(template=sections.OUT_OF, fields={"items": count(f"{place}/items", point.items)}))
    return several(parts, Text("", ""))
