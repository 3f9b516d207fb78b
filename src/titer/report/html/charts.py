"""The charts of the page as Vega-Lite: colors that carry on light and dark ground, tooltips on every point.

Text and grid have no color of their own here: the style sheet gives them one by scheme.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from titer.errors import printable
from titer.report.dose_response import COLORS, SHAPES, mean_rows, stretches, tick_doses
from titer.report.series import Panel, Series
from titer.report.view.overviews import WorstView
from titer.report.view.panels import PanelView
from titer.report.view.report_view import ForestView
from titer.report.view.said import Language, Said, in_language, plain
from titer.report.words import first_screen, sections

if TYPE_CHECKING:
    import altair as alt

RULE, NARROW, HEIGHT, ROW = "#888888", 330, 210, 30
CONFIG: Final[Mapping[str, Any]] = {
    "background": "transparent",
    "font": "system-ui, sans-serif",
    "view": {"stroke": None},
    "axis": {"labelFontSize": 12, "titleFontSize": 12, "titleFontWeight": "normal", "domain": False, "tickSize": 3},
}
Spec = dict[str, Any]


def panel_spec(view: PanelView, lang: Language, *, shams: bool) -> Spec:
    """Curves against dose: a thin line a run, the mean with a band, the threshold and the budget.

    Args:
        view: the panel.
        lang: the language of its axes and tooltips.
        shams: whether training on harmless rows is drawn, too.
    """
    import altair as alt

    panel = view.panel
    shown = [series for series in view.shown if shams or "sham" not in series]
    x, y, low = _axes(view, lang)
    called = [in_language(view.names[series], lang) for series in shown]
    hue = alt.Color("series:N", scale=alt.Scale(domain=called, range=[COLORS[s] for s in shown]), legend=None)
    shape = alt.Shape("series:N", scale=alt.Scale(domain=called, range=[SHAPES[s] for s in shown]), legend=None)
    says = alt.Tooltip("says:N", title=" ")
    at_runs = alt.Chart(alt.InlineData(values=_run_rows(view, shown, lang)))
    at_means = alt.Chart(alt.InlineData(values=_mean_rows(view, shown, lang)))
    bounds = at_runs.transform_filter("datum.high > datum.rate")
    layers: list[alt.Chart] = [
        at_means.mark_area(opacity=0.2).encode(x=x, y=low, y2="high:Q", color=hue, detail="stretch:N"),
        at_runs.mark_line(strokeWidth=1, opacity=0.55).encode(x=x, y=y, color=hue, detail=["run:N", "stretch:N"]),
        bounds.mark_rule(strokeWidth=1, opacity=0.55).encode(x=x, y=y, y2="high:Q", color=hue),
        at_means.mark_line(strokeWidth=2.6).encode(x=x, y=y, color=hue, detail="stretch:N"),
        *_rules(panel.rule, view.rule, panel.budget, lang, panel.ladder, x, y),
        at_runs.mark_circle(size=24, opacity=0.55).encode(x=x, y=y, color=hue, tooltip=says),
        at_means.mark_point(filled=True, size=64, opacity=1).encode(x=x, y=y, color=hue, shape=shape, tooltip=says),
    ]
    return _finished(alt.layer(*layers), view.title, lang, HEIGHT)


def worst_spec(view: WorstView, lang: Language) -> Spec:
    """The largest share of harmful answers so far against the dose, a step line a run and their mean.

    Args:
        view: the lines.
        lang: the language of its axes and tooltips.
    """
    import altair as alt

    first = view.worst[0]
    x = _doses(first.doses, first.budget, plain(view.axis, lang))
    y = alt.Y("rate:Q", scale=alt.Scale(domain=[0, 1]), title=in_language(first_screen.HARM_AXIS, lang), axis=_shares())
    called = [in_language(view.names[worst.subject], lang) for worst in view.worst]
    scale = alt.Scale(domain=called, range=[COLORS[worst.subject] for worst in view.worst])
    hue = alt.Color("series:N", scale=scale, legend=None)
    data = alt.Chart(alt.InlineData(values=list(_worst_rows(view, lang))))
    runs, mean = data.transform_filter("datum.run >= 0"), data.transform_filter("datum.run < 0")
    says = alt.Tooltip("says:N", title=" ")
    layers: list[alt.Chart] = [
        runs.mark_line(strokeWidth=1, opacity=0.5, interpolate="step-after").encode(
            x=x, y=y, color=hue, detail="run:N"
        ),
        mean.mark_line(strokeWidth=2.6, interpolate="step-after").encode(x=x, y=y, color=hue),
        *_rules(view.threshold, view.rule, first.budget, lang, first.doses, x, y),
        mean.mark_circle(size=50, opacity=1).encode(x=x, y=y, color=hue, tooltip=says),
    ]
    return _finished(alt.layer(*layers), view.title, lang, HEIGHT)


def forest_spec(view: ForestView, lang: Language) -> Spec:
    """Each task's difference with its limits, against the margin.

    Args:
        view: the differences.
        lang: the language of its axes.
    """
    import altair as alt

    rows = [
        {
            "task": printable(f.what),
            "value": f.value,
            "low": f.value if f.low is None else f.low,
            "high": f.value if f.high is None else f.high,
            "says": f"{printable(f.what)}: {f.value:.3g} ({f.low if f.low is None else f'{f.low:.3g}'} … "
            f"{f.high if f.high is None else f'{f.high:.3g}'})",
        }
        for f in view.figures
    ]
    ends = [end for row in rows for end in (row["value"], row["low"], row["high"])]
    scale = alt.Scale(domain=[min(*ends, -1.4 * view.margin), max(*ends, 1.4 * view.margin)], nice=True)
    y = alt.Y("task:N", sort=[row["task"] for row in rows], title=None, axis=alt.Axis(labelLimit=130))
    title = in_language(sections.DIFFERENCE, lang) + (f" ({view.unit})" if view.unit != "rate" else "")
    x = alt.X("value:Q", scale=scale, title=title, axis=alt.Axis(format="+.2~f", tickCount=5, labelFlush=False))
    chart = alt.Chart(alt.InlineData(values=rows))
    margin = alt.Chart(alt.InlineData(values=[{"value": -view.margin, "label": plain(view.rule, lang)}]))
    zero = alt.Chart(alt.InlineData(values=[{"value": 0}]))
    says = alt.Tooltip("says:N", title=" ")
    layers: list[alt.Chart] = [
        zero.mark_rule(color=RULE, opacity=0.6).encode(x=x),
        margin.mark_rule(strokeDash=[6, 4], color=RULE, strokeWidth=1.5).encode(x=x),
        margin.mark_text(baseline="bottom", align="left", dx=4, y=-2, fontSize=12).encode(x=x, text="label:N"),
        chart.mark_rule(strokeWidth=3, color=COLORS["defended"]).encode(
            x=alt.X("low:Q", scale=scale), x2="high:Q", y=y, tooltip=says
        ),
        chart.mark_point(filled=True, size=80, color=COLORS["defended"], opacity=1).encode(x=x, y=y, tooltip=says),
    ]
    return _finished(alt.layer(*layers), sections.STABILITY_HEAD, lang, alt.Step(ROW))


def _worst_rows(view: WorstView, lang: Language) -> Iterator[dict[str, Any]]:
    for worst in view.worst:
        name = in_language(view.names[worst.subject], lang)
        for index, shares in zip([*worst.indices, -1], [*worst.runs, worst.mean], strict=True):
            for dose, share in zip(worst.doses, shares, strict=True):
                if share is not None:
                    says = f"{name}, {dose}: {100 * share:.3g} %"
                    yield {"series": name, "run": index, "dose": dose, "rate": share, "says": says}


def _run_rows(view: PanelView, shown: Sequence[Series], lang: Language) -> list[dict[str, Any]]:
    """A row for each dose of each run, with the place in report.json that it was taken from."""
    rows = []
    for series in reversed(shown):  # what is drawn first lies beneath: the shams
        name = in_language(view.names[series], lang)
        for curve in view.panel.of(series):
            lines = stretches([point.dose for point in curve.points], view.panel.ladder)
            for point, stretch in zip(curve.points, lines, strict=True):
                run = f"{name}, {in_language(sections.RUN, lang)} {curve.index}, {point.dose}"
                found = f"{round(point.low * point.items)} / {point.items}"
                rows.append(
                    {
                        "series": name,
                        "run": curve.index,
                        "dose": point.dose,
                        "rate": point.low,
                        "high": point.high,
                        "stretch": stretch,
                        "place": view.places[curve.place][point.dose],
                        "says": f"{run}: {found if view.panel.unit == 'rate' else f'{point.low:.4g}'}",
                    }
                )
    return rows


def _mean_rows(view: PanelView, shown: Sequence[Series], lang: Language) -> list[dict[str, Any]]:
    """A row for each dose that every run of a series reached."""
    rows = []
    for series in reversed(shown):
        name = in_language(view.names[series], lang)
        means = mean_rows(view.panel.of(series), view.panel.unit)
        for row, stretch in zip(means, stretches([row["dose"] for row in means], view.panel.ladder), strict=True):
            share = f"{100 * row['rate']:.3g} %" if view.panel.unit == "rate" else f"{row['rate']:.4g}"
            rows.append({"series": name, **row, "stretch": stretch, "says": f"{name}, {row['dose']}: {share}"})
    return rows


def _axes(view: PanelView, lang: Language) -> tuple[alt.X, alt.Y, alt.Y]:
    """The dose, the rate, and the lower end of its band."""
    import altair as alt

    panel: Panel = view.panel
    x = _doses(panel.ladder, panel.budget, plain(view.axis, lang))
    rates = panel.unit == "rate"
    range_ = alt.Scale(domain=[0, 1]) if rates else alt.Scale(zero=False)
    axis = _shares() if rates else alt.Axis(tickCount=5)
    title = in_language(view.measure, lang)
    y, low = (alt.Y(field, scale=range_, title=title, axis=axis) for field in ("rate:Q", "low:Q"))
    return x, y, low


def _doses(ladder: Sequence[int], budget: int | None, title: str) -> alt.X:
    """Logarithmic above the first dose, and still showing 0."""
    import altair as alt

    constant = min(dose for dose in ladder if dose > 0)
    scale = alt.Scale(type="symlog", constant=constant, domain=[ladder[0], ladder[-1]], nice=False)
    axis = alt.Axis(
        values=tick_doses(tuple(ladder), constant, NARROW, budget), format="d", grid=False, labelFlush=False
    )
    return alt.X("dose:Q", scale=scale, axis=axis, title=title)


def _shares() -> alt.Axis:
    import altair as alt

    return alt.Axis(format="%", tickCount=5)


def _rules(
    rule: float | None, said: Said | None, budget: int | None, lang: Language, ladder: Sequence[int], x: alt.X, y: alt.Y
) -> list[alt.Chart]:
    """The dashed threshold and the dotted budget, each with what it is."""
    import altair as alt

    layers: list[alt.Chart] = []
    if rule is not None and said is not None:
        at = alt.Chart(alt.InlineData(values=[{"rate": rule, "dose": ladder[0], "label": plain(said, lang)}]))
        text = at.mark_text(align="left", dx=5, dy=-8, fontSize=12)
        layers += [
            at.mark_rule(strokeDash=[6, 4], color=RULE, strokeWidth=1.5).encode(y=y),
            text.encode(x=x, y=y, text="label:N"),
        ]
    if budget is not None:
        label = f"{in_language(first_screen.BUDGET, lang)}: {budget}"
        at = alt.Chart(alt.InlineData(values=[{"dose": budget, "label": label}]))
        text = at.mark_text(baseline="bottom", align="right" if budget == ladder[-1] else "center", y=-3, fontSize=12)
        layers += [
            at.mark_rule(strokeDash=[2, 3], color=RULE, strokeWidth=1.5).encode(x=x),
            text.encode(x=x, text="label:N"),
        ]
    return layers


def _finished(chart: alt.LayerChart, title: Said, lang: Language, height: Any) -> Spec:
    """As plain data, as wide as its place on the page."""
    sized = chart.properties(width="container", height=height, description=printable(plain(title, lang)))
    spec: Spec = sized.to_dict(validate=False)
    return spec | {"config": dict(CONFIG), "autosize": {"type": "fit-x", "contains": "padding"}}
