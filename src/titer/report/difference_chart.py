"""Stability as it is drawn: defended minus undefended on each task, with limits, against the margin."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from titer.analysis.findings import Figure, Verdict
from titer.errors import printable
from titer.protocol.schema import Protocol

if TYPE_CHECKING:
    import altair as alt

COLOR, RULE, WIDTH, ROW = "#0072B2", "#333333", 460, 34


def difference_lines(verdict: Verdict) -> tuple[Figure, ...]:
    """The lines of the finding on stability that are a difference with at least one limit."""
    return tuple(
        line
        for finding in verdict.conditions
        if finding.name == "stability"
        for line in finding.figures
        if line.subject is None and line.value is not None and (line.low is not None or line.high is not None)
    )


def difference_chart(verdict: Verdict, protocol: Protocol) -> alt.ConcatChart | None:
    """One panel for each unit, or None where nothing was compared."""
    import altair as alt

    figures = difference_lines(verdict)
    if protocol.stability is None or not figures:
        return None
    margin = protocol.stability.margin
    units = dict.fromkeys(line.unit for line in figures)
    panels = [_panel([line for line in figures if line.unit == unit], unit, margin) for unit in units]
    head = alt.TitleParams(
        "Stability: defended minus undefended",
        subtitle=["Lines: one-sided limits of the difference. Upheld where the lower one lies right of the margin."],
        fontSize=16,
        offset=18,
    )
    return alt.concat(*panels, columns=1, title=head)


def _panel(figures: Sequence[Figure], unit: str, margin: float) -> alt.LayerChart | alt.FacetChart:
    import altair as alt

    rows = [
        {
            "task": printable(line.what),
            "value": line.value,
            "low": line.value if line.low is None else line.low,
            "high": line.value if line.high is None else line.high,
            "outcome": line.outcome,
        }
        for line in figures
    ]
    ends = [end for line in figures for end in (line.value, line.low, line.high) if end is not None]
    scale = alt.Scale(domain=[min(*ends, -2 * margin), max(*ends, 2 * margin)], nice=True)
    order = [printable(line.what) for line in figures]
    y = alt.Y("task:N", sort=order, title=None, axis=alt.Axis(labelLimit=220, labelFontSize=12))
    x = alt.X(
        "value:Q",
        scale=scale,
        axis=alt.Axis(labelFlush=False),
        title=f"defended − undefended ({unit}); right is better",
    )
    chart = alt.Chart(alt.InlineData(values=rows))
    margins = alt.Chart(alt.InlineData(values=[{"value": -margin, "says": f"margin −{margin:g}"}]))
    zero = alt.Chart(alt.InlineData(values=[{"value": 0}]))
    layers = [
        zero.mark_rule(color="#bbbbbb").encode(x=x),
        margins.mark_rule(strokeDash=[6, 4], color=RULE).encode(x=x),
        margins.mark_text(baseline="bottom", y=-3, fontSize=11, color=RULE).encode(x=x, text="says:N"),
        chart.mark_rule(strokeWidth=2.4, color=COLOR).encode(x=alt.X("low:Q", scale=scale), x2="high:Q", y=y),
        chart.mark_point(filled=True, size=80, color=COLOR, opacity=1).encode(x=x, y=y),
        chart.mark_text(align="left", dx=8, x=WIDTH, fontSize=11, color=RULE).encode(y=y, text="outcome:N"),
    ]
    return alt.layer(*layers).properties(width=WIDTH, height=alt.Step(ROW))
