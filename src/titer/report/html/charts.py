"""The charts of the page as Vega-Lite: colors that carry on light and dark ground, tooltips on every point.

They are written as plain data, since a page may have a hundred of them. Text and grid have no color of their own here:
the style sheet gives them one by scheme.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from titer.errors import shown
from titer.report.dose_response import SHAPES, tick_doses
from titer.report.html.chart_rows import mean_rows, run_rows, worst_rows
from titer.report.series import RateUnit, Series
from titer.report.view.overviews import WorstView
from titer.report.view.panels import PanelView
from titer.report.view.report_view import ForestView
from titer.report.view.said import Language, Said, in_language, plain
from titer.report.words import first_screen, sections

HUES: Final[Mapping[Series, str]] = {
    "undefended": "#D55E00",
    "defended": "#2B83CB",
    "undefended sham": "#A8774F",
    "defended sham": "#5F8CA6",
}
"""Those of the printed charts, where those are too pale on a light ground or too dark on a dark one."""
LONGEST: Final = 200
"""The most bytes of a name in a chart."""
RULE, NARROW, ROW = "#888888", 330, 30
SCHEMA: Final = "https://vega.github.io/schema/vega-lite/v6.json"
CONFIG: Final[Mapping[str, Any]] = {
    "background": "transparent",
    "font": "system-ui, sans-serif",
    "view": {"stroke": None},
    "axis": {"labelFontSize": 12, "titleFontSize": 12, "titleFontWeight": "normal", "domain": False, "tickSize": 3},
}
Spec = dict[str, Any]
Rows = list[dict[str, Any]]


def panel_spec(view: PanelView, lang: Language, *, shams: bool, height: int = 210) -> Spec:
    """Curves against dose: a thin line a run, the mean with a band, the threshold and the budget.

    Args:
        view: the panel.
        lang: the language of its axes and tooltips.
        shams: whether training on harmless rows is drawn, too.
        height: of the plot, in pixels.
    """
    shown = [series for series in view.shown if shams or "sham" not in series]
    panel = view.panel
    x = _doses(panel.ladder, panel.budget, plain(view.axis, lang))
    y = _rates(panel.unit, in_language(view.measure, lang))
    hue = _hues({in_language(view.names[series], lang): HUES[series] for series in shown})
    shape = {**_nominal("series"), "scale": {"domain": hue["scale"]["domain"], "range": [SHAPES[s] for s in shown]}}
    line = {"x": x, "y": y, "color": hue}
    top = {**line, "tooltip": _TIP}
    span = {"x": x, "y": y, "y2": {"field": "high"}, "color": hue}
    layers = [
        _layer("means", {"type": "area", "opacity": 0.2}, {**span, "y": {**y, "field": "low"}, "detail": _STRETCH}),
        _runs({"type": "line", "strokeWidth": 1, "opacity": 0.55}, {**line, "detail": [_RUN, _STRETCH]}),
        _runs({"type": "rule", "opacity": 0.55}, span, {"filter": "datum.high > datum.rate"}),
        _layer("means", {"type": "line", "strokeWidth": 2.6}, {**line, "detail": _STRETCH}),
        _runs({"type": "circle", "size": 24, "opacity": 0.55}, top, {"calculate": _SAYS, "as": "says"}),
        _layer("means", {"type": "point", "filled": True, "size": 64, "opacity": 1}, {**top, "shape": _plain(shape)}),
        *_rules(panel.rule, view.rule, panel.budget, lang, panel.ladder, x, y),
    ]
    data = {"runs": list(run_rows(view, shown, lang)), "means": list(mean_rows(view, shown, lang))}
    return _finished(layers, data, view.title, lang, height)


def worst_spec(view: WorstView, lang: Language) -> Spec:
    """The largest share of harmful answers so far against the dose, a step line a run and their mean.

    Args:
        view: the lines.
        lang: the language of its axes and tooltips.
    """
    first = view.worst[0]
    x, y = (
        _doses(first.doses, first.budget, plain(view.axis, lang)),
        _rates("rate", in_language(first_screen.HARM_AXIS, lang)),
    )
    hue = _hues({in_language(view.names[worst.subject], lang): HUES[worst.subject] for worst in view.worst})
    line = {"x": x, "y": y, "color": hue}
    step = {"type": "line", "interpolate": "step-after"}
    layers = [
        _layer("runs", {**step, "strokeWidth": 1, "opacity": 0.5}, {**line, "detail": [_RUN]}),
        _layer("means", {**step, "strokeWidth": 2.6}, line),
        _layer("means", {"type": "circle", "size": 50, "opacity": 1}, {**line, "tooltip": _TIP}),
        *_rules(view.threshold, view.rule, first.budget, lang, first.doses, x, y),
    ]
    rows = list(worst_rows(view, lang))
    data = {"runs": [row for row in rows if row["run"] is not None], "means": [r for r in rows if r["run"] is None]}
    return _finished(layers, data, view.title, lang, 210)


def forest_spec(view: ForestView, lang: Language) -> Spec:
    """Each task's difference with its limits, against the margin.

    Args:
        view: the differences.
        lang: the language of its axes.
    """
    rows = [
        {
            "task": shown(figure.what, LONGEST),
            "value": figure.value,
            "low": figure.value if figure.low is None else figure.low,
            "high": figure.value if figure.high is None else figure.high,
            "says": f"{shown(figure.what, LONGEST)}: {_end(figure.value)} ({_end(figure.low)} … {_end(figure.high)})",
        }
        for figure in view.figures
    ]
    ends = [end for row in rows for end in (row["value"], row["low"], row["high"]) if isinstance(end, float)]
    scale = {"domain": [min(*ends, -1.4 * view.margin), max(*ends, 1.4 * view.margin)], "nice": True}
    title = in_language(sections.DIFFERENCE, lang) + (f" ({view.unit})" if view.unit != "rate" else "")
    axis = {"format": "+.2~%" if view.unit == "rate" else "+.2~f", "tickCount": 5, "labelFlush": False}
    x = {"field": "value", "type": "quantitative", "scale": scale, "title": title, "axis": axis}
    y = {**_nominal("task"), "sort": [row["task"] for row in rows], "title": None, "axis": {"labelLimit": 130}}
    color, bar = HUES["defended"], {"x": {**x, "field": "low"}, "x2": {"field": "high"}, "y": y, "tooltip": _TIP}
    text = {"type": "text", "baseline": "bottom", "align": "left", "dx": 4, "y": -2, "fontSize": 12}
    layers = [
        _layer("zero", {"type": "rule", "color": RULE, "opacity": 0.6}, {"x": x}),
        _layer("margin", {"type": "rule", "color": RULE, "strokeDash": [6, 4], "strokeWidth": 1.5}, {"x": x}),
        _layer("tasks", {"type": "rule", "strokeWidth": 3, "color": color}, bar),
        _layer(
            "tasks", {"type": "point", "filled": True, "size": 80, "color": color}, {"x": x, "y": y, "tooltip": _TIP}
        ),
        _layer("margin", text, {"x": x, "text": _nominal("label")}),
    ]
    margin = {"value": -view.margin, "label": plain(view.rule, lang)}
    data: dict[str, Any] = {"tasks": rows, "zero": [{"value": 0}], "margin": [margin]}
    return _finished(layers, data, sections.STABILITY_HEAD, lang, ROW * len(rows))


def _nominal(field: str) -> Spec:
    return {"field": field, "type": "nominal"}


def _plain(channel: Spec) -> Spec:
    """A channel without a legend: the page has its own."""
    return {**channel, "legend": None}


_RUN, _STRETCH = _nominal("run"), _nominal("stretch")
_TIP: Final = {**_nominal("says"), "title": " "}
_ALONG: Final = ("dose", "rate", "high", "stretch", "found")
"""What a row of a run has a list of, one entry a dose."""
_SAYS: Final = "datum.name + ', ' + datum.dose + ': ' + datum.found"


def _layer(data: str, mark: Spec, encoding: Spec) -> Spec:
    return {"data": {"name": data}, "mark": mark, "encoding": encoding}


def _runs(mark: Spec, encoding: Spec, *more: Spec) -> Spec:
    """A layer of the runs: each is a row with lists, from which a row for each dose is made where it is drawn."""
    return _layer("runs", mark, encoding) | {"transform": [{"flatten": list(_ALONG)}, *more]}


def _hues(colors: Mapping[str, str]) -> Spec:
    return _plain({**_nominal("series"), "scale": {"domain": list(colors), "range": list(colors.values())}})


def _rates(unit: RateUnit, title: str) -> Spec:
    share = {"scale": {"domain": [0, 1]}, "axis": {"format": "%", "tickCount": 5}}
    loss = {"scale": {"zero": False}, "axis": {"tickCount": 5}}
    return {"field": "rate", "type": "quantitative", "title": title, **(share if unit == "rate" else loss)}


def _doses(ladder: Sequence[int], budget: int | None, title: str) -> Spec:
    """Logarithmic above the first dose, and still showing 0."""
    constant = min(dose for dose in ladder if dose > 0)
    scale = {"type": "symlog", "constant": constant, "domain": [ladder[0], ladder[-1]], "nice": False}
    ticks = tick_doses(tuple(ladder), constant, NARROW, budget)
    axis = {"values": ticks, "format": "d", "grid": False, "labelFlush": False}
    return {"field": "dose", "type": "quantitative", "scale": scale, "axis": axis, "title": title}


def _rules(
    rule: float | None, said: Said | None, budget: int | None, lang: Language, ladder: Sequence[int], x: Spec, y: Spec
) -> Iterator[Spec]:
    """The dashed threshold and the dotted budget, each with what it is."""
    label = {"text": _nominal("label")}
    mark = {"type": "rule", "color": RULE, "strokeWidth": 1.5}
    if rule is not None and said is not None:
        text = {"type": "text", "align": "left", "dx": 5, "dy": -8, "fontSize": 12}
        row = {"rate": rule, "dose": ladder[0], "label": plain(said, lang)}
        yield _layer("", {**mark, "strokeDash": [6, 4]}, {"y": y}) | {"data": {"values": [row]}}
        yield _layer("", text, {"x": x, "y": y, **label}) | {"data": {"values": [row]}}
    if budget is not None:
        constant = min(dose for dose in ladder if dose > 0)
        along = math.log1p(budget / constant) / math.log1p(ladder[-1] / constant)
        align = "right" if along > 0.7 else "center"
        text = {"type": "text", "align": align, "baseline": "bottom", "y": -3, "fontSize": 12}
        row = {"dose": budget, "label": f"{in_language(first_screen.BUDGET, lang)}: {budget}"}
        yield _layer("", {**mark, "strokeDash": [2, 3]}, {"x": x}) | {"data": {"values": [row]}}
        yield _layer("", text, {"x": x, **label}) | {"data": {"values": [row]}}


def _finished(layers: Rows, data: Mapping[str, Rows], title: Said, lang: Language, height: int) -> Spec:
    """A chart as wide as its place on the page."""
    return {
        "$schema": SCHEMA,
        "description": shown(plain(title, lang), LONGEST),
        "width": "container",
        "height": height,
        "autosize": {"type": "fit-x", "contains": "padding"},
        "config": dict(CONFIG),
        "datasets": dict(data),
        "layer": layers,
    }


def _end(limit: float | None) -> str:
    return "" if limit is None else f"{limit:.3g}"
