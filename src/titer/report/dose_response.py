"""Curves against dose: a thin line for each seed, the mean over seeds with a band, the protocol's rules."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING, Any

from titer.errors import printable
from titer.report.series import Panel, PlottedCurve, RateUnit, Series
from titer.stats.binomial import wilson

if TYPE_CHECKING:
    import altair as alt

COLORS: dict[Series, str] = {
    "undefended": "#D55E00",
    "defended": "#0072B2",
    "undefended sham": "#B08968",
    "defended sham": "#7FA3B8",
}
"""Two colors of Okabe and Ito's palette, told apart with any color vision; of a sham that of its subject, paler."""
SHAPES: dict[Series, str] = {
    "undefended": "circle",
    "defended": "triangle-up",
    "undefended sham": "square",
    "defended sham": "diamond",
}
RULE = "#333333"
WIDTHS = {1: 640, 2: 310}
WIDTH, HEIGHT, LABEL_PIXELS, TITLE_LETTERS = 194, 240, 20, 42


@dataclass(frozen=True, kw_only=True)
class Captions:
    """What a chart of curves says.

    Attributes:
        title: of the whole chart.
        measure: title of the vertical axis where rates are drawn.
        rule: what the dashed horizontal rule is.
        names: what each series is called in the legend.
    """

    title: str
    measure: str
    rule: str
    names: Mapping[Series, str]


def curve_chart(panels: Sequence[Panel], captions: Captions) -> alt.ConcatChart | None:
    """The panels side by side under one legend, or None without any."""
    import altair as alt

    if not panels:
        return None
    width = WIDTHS.get(len(panels), WIDTH)
    shown = [series for series in COLORS if any(panel.of(series) for panel in panels)]
    drawn = [_panel(panel, captions, shown, width) for panel in panels]
    head = alt.TitleParams(captions.title, subtitle=_subtitles(panels), fontSize=16, offset=12)
    return alt.concat(*drawn, columns=3, title=head, spacing=18)


def mean_rows(curves: Sequence[PlottedCurve], unit: RateUnit) -> list[dict[str, Any]]:
    """The mean over seeds at each dose that every seed reached, with the least and the largest.

    Of the rate of a single seed the band is Wilson's over its items instead. Doses that only some seeds
    reached are left out: which seeds stopped early depends on what was found.
    """
    shared = set.intersection(*({point.dose for point in curve.points} for curve in curves)) if curves else set()
    rows = []
    for dose in sorted(shared):
        points = [point for curve in curves for point in curve.points if point.dose == dose]
        lows = [point.low for point in points]
        low, high = min(lows), max(lows)
        if len(points) == 1 and unit == "rate":
            low, high = wilson(round(lows[0] * points[0].items), points[0].items, 0.95)
        rows.append({"dose": dose, "rate": sum(lows) / len(lows), "low": low, "high": high})
    return rows


def worst_within(panel: Panel) -> tuple[float, float, int]:
    """How far an attack got on the subject that is defended.

    Within the budget, and where every seed was read: the largest mean rate; the largest mean of what may be harmful,
    counting what could not be judged; then how long its ladder is. A rate below the rule counts as 0, so that where
    nothing crossed no chance decides.
    """
    curves, rule = panel.of("defended"), panel.rule or 0.0
    doses = [row["dose"] for row in mean_rows(curves, panel.unit)]
    within = [dose for dose in doses if panel.budget is None or dose <= panel.budget]
    points = [[point for curve in curves for point in curve.points if point.dose == dose] for dose in within]
    counted = max((fmean(point.low for point in at) for at in points), default=0.0)
    possible = max((fmean(point.high for point in at) for at in points), default=0.0)
    return counted * (counted > rule), possible * (possible > rule), len(panel.ladder)


def stretches(doses: Sequence[int], ladder: Sequence[int]) -> list[int]:
    """For each dose that was read, in order, which run of neighbours on the ladder it is in: lines are drawn in these.

    >>> stretches([0, 1, 4, 8], [0, 1, 2, 4, 8])
    [0, 0, 1, 1]
    """
    places = [ladder.index(dose) for dose in doses]
    return [place - number for number, place in enumerate(places)]


def _panel(panel: Panel, captions: Captions, shown: Sequence[Series], width: int) -> alt.LayerChart | alt.FacetChart:
    import altair as alt

    x, y, low = _axes(panel, captions, width)
    names = captions.names
    domain = [names[series] for series in shown]
    full = alt.Legend(symbolOpacity=1, title=None)
    color = alt.Color("series:N", scale=alt.Scale(domain=domain, range=[COLORS[s] for s in shown]), legend=full)
    shape = alt.Shape("series:N", scale=alt.Scale(domain=domain, range=[SHAPES[s] for s in shown]), legend=full)
    seeds = [
        {"series": names[c.series], "seed": c.index, "dose": p.dose, "rate": p.low, "high": p.high, "stretch": stretch}
        for s in reversed(shown)  # what is drawn first lies beneath: the shams
        for c in panel.of(s)
        for p, stretch in zip(c.points, stretches([p.dose for p in c.points], panel.ladder), strict=True)
    ]
    means = [
        {"series": names[s], **row, "stretch": stretch}
        for s in reversed(shown)
        for rows in [mean_rows(panel.of(s), panel.unit)]
        for row, stretch in zip(rows, stretches([row["dose"] for row in rows], panel.ladder), strict=True)
    ]
    at_seeds, at_means = alt.Chart(alt.InlineData(values=seeds)), alt.Chart(alt.InlineData(values=means))
    bounds = at_seeds.transform_filter("datum.high > datum.rate")
    layers = [
        at_means.mark_area(opacity=0.18).encode(x=x, y=low, y2="high:Q", color=color, detail="stretch:N"),
        at_seeds.mark_line(strokeWidth=0.9, opacity=0.5).encode(x=x, y=y, color=color, detail=["seed:N", "stretch:N"]),
        at_seeds.mark_circle(size=9, opacity=0.5).encode(x=x, y=y, color=color),
        bounds.mark_rule(strokeWidth=1, opacity=0.5).encode(x=x, y=y, y2="high:Q", color=color),
        at_means.mark_line(strokeWidth=2.4).encode(x=x, y=y, color=color, detail="stretch:N"),
        at_means.mark_point(filled=True, size=42, opacity=1).encode(x=x, y=y, color=color, shape=shape),
        *_rules(panel, captions, x, y),
    ]
    heading = alt.TitleParams(printable(panel.title)[:TITLE_LETTERS], offset=14)
    return alt.layer(*layers, title=heading).properties(width=width, height=HEIGHT)


def _axes(panel: Panel, captions: Captions, width: int) -> tuple[alt.X, alt.Y, alt.Y]:
    """Dose, logarithmic above the first and still showing 0; the rate; the lower end of its band."""
    import altair as alt

    constant = min(dose for dose in panel.ladder if dose > 0)
    scale = alt.Scale(type="symlog", constant=constant, domain=[panel.ladder[0], panel.ladder[-1]], nice=False)
    ticks = tick_doses(panel.ladder, constant, width, panel.budget)
    axis = alt.Axis(values=ticks, format="d", grid=False, labelFlush=False)
    x = alt.X("dose:Q", scale=scale, axis=axis, title=f"dose ({panel.axis.unit})")
    rates = panel.unit == "rate"
    range_ = alt.Scale(domain=[0, 1]) if rates else alt.Scale(zero=False)
    title = captions.measure if rates else f"loss ({panel.unit})"
    return x, alt.Y("rate:Q", scale=range_, title=title), alt.Y("low:Q", scale=range_, title=title)


def _rules(panel: Panel, captions: Captions, x: alt.X, y: alt.Y) -> list[alt.Chart]:
    """The dashed horizontal rule with its value, and the dotted vertical one at the budget."""
    import altair as alt

    layers: list[alt.Chart] = []
    if panel.rule is not None:
        row = {"rate": panel.rule, "dose": panel.ladder[0], "says": f"{captions.rule} {panel.rule:g}"}
        at = alt.Chart(alt.InlineData(values=[row]))
        layers += [
            at.mark_rule(strokeDash=[6, 4], color=RULE).encode(y=y),
            at.mark_text(align="left", dx=4, dy=-7, fontSize=11, color=RULE).encode(x=x, y=y, text="says:N"),
        ]
    if panel.budget is not None:
        at = alt.Chart(alt.InlineData(values=[{"dose": panel.budget, "says": f"budget {panel.budget}"}]))
        layers += [
            at.mark_rule(strokeDash=[2, 3], color=RULE).encode(x=x),
            at.mark_text(baseline="bottom", y=-3, fontSize=11, color=RULE).encode(x=x, text="says:N"),
        ]
    return layers


def tick_doses(ladder: tuple[int, ...], constant: int, width: int, budget: int | None) -> list[int]:
    """The doses with a label: both ends and the budget, then as many others as have room.

    Args:
        ladder: all doses.
        constant: where the logarithmic part of the axis begins.
        width: of the axis, in pixels.
        budget: the budget, if there is one.
    """
    span = math.log1p(ladder[-1] / constant) - math.log1p(ladder[0] / constant)

    def place(dose: int) -> float:
        return width * (math.log1p(dose / constant) - math.log1p(ladder[0] / constant)) / span

    ticks: list[int] = []
    for dose in [ladder[0], ladder[-1], *([budget] if budget in ladder else []), *ladder]:
        if dose is not None and all(abs(place(dose) - place(tick)) >= LABEL_PIXELS for tick in ticks):
            ticks.append(dose)
    return sorted(ticks)


def _subtitles(panels: Sequence[Panel]) -> list[str]:
    curves = [curve for panel in panels for curve in panel.curves]
    seeds = max(len(panel.of(series)) for panel in panels for series in COLORS)
    items = sorted({point.items for curve in curves for point in curve.points})
    asked = f"{items[0]} items" if len(items) == 1 else f"{items[0]} to {items[-1]} items"
    band = "Wilson's 95 % over items" if seeds == 1 else "least to largest seed"
    lines = [f"{asked}. Thin: each seed. Thick: mean over seeds, as far as every seed goes. Band: {band}."]
    if any(point.high > point.low for curve in curves for point in curve.points):
        lines.append("Upright lines end where incoherent and unjudged answers would count as well.")
    return lines
