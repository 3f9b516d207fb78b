"""The doses at which subjects break, side by side: a bar from the last intact dose to the first broken one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from titer.errors import printable
from titer.report.comparison.rows import BreakingDose, ComparedRow, Comparison
from titer.report.dose_response import COLORS, RULE, SHAPES

if TYPE_CHECKING:
    import altair as alt

WIDTH, ROW, LETTERS = 300, 22, 40


def comparison_chart(found: Comparison) -> alt.ConcatChart | None:
    """A panel for each condition and axis, a line for each subject; None where no dose was read."""
    import altair as alt

    panels = dict.fromkeys((one.condition, one.axis) for row in found.rows for one in row.breaking)
    if not panels:
        return None
    drawn = [_panel(found, condition, axis) for condition, axis in panels]
    head = alt.TitleParams(
        "Where each subject breaks",
        subtitle=[
            "From the dose up to which every seed is intact to that at which every seed is broken.",
            "An arrow: not every seed was seen to break; the number says how many were.",
        ],
        fontSize=16,
        offset=14,
    )
    return alt.concat(*drawn, columns=2, title=head, spacing=24)


def _panel(found: Comparison, condition: str, axis: str) -> alt.LayerChart | alt.FacetChart:
    import altair as alt

    bars = [(row, one) for row in found.shown for one in row.breaking if (one.condition, one.axis) == (condition, axis)]
    top = max(max(one.low, one.high or 0) for _, one in bars) or 1
    rows = [_bar(row, one, 2 * top) for row, one in bars]
    order = [_who(row) for row, _ in bars]
    scale = alt.Scale(type="symlog", constant=1, domain=[0, 2 * top], nice=False)
    ticks = sorted({end for _, one in bars for end in (one.low, one.high) if end is not None})
    marks = alt.Axis(grid=False, labelFlush=False, values=ticks, format="d", labelOverlap=True)
    x = alt.X("low:Q", scale=scale, title=f"dose ({axis})", axis=marks)
    y = alt.Y("who:N", sort=order, title=None, axis=alt.Axis(labelLimit=260))
    subjects = ["undefended", "defended"]
    palette = alt.Scale(domain=subjects, range=[COLORS["undefended"], COLORS["defended"]])
    color = alt.Color("subject:N", scale=palette, legend=alt.Legend(title=None))
    shapes = alt.Scale(domain=subjects, range=[SHAPES["undefended"], SHAPES["defended"]])
    chart = alt.Chart(alt.InlineData(values=rows))
    censored = chart.transform_filter("datum.censored")
    layers = [
        chart.mark_rule(strokeWidth=4).encode(x=x, x2="high:Q", y=y, color=color),
        chart.mark_point(filled=True, size=60, opacity=1).encode(
            x=x, y=y, color=color, shape=alt.Shape("subject:N", scale=shapes, legend=None)
        ),
        censored.mark_point(shape="triangle-right", filled=True, size=70, opacity=1).encode(
            x=alt.X("high:Q", scale=scale), y=y, color=color
        ),
        censored.mark_text(align="right", dx=-8, dy=-8, fontSize=10, color=RULE).encode(
            x=alt.X("high:Q", scale=scale), y=y, text="says:N"
        ),
    ]
    return alt.layer(*layers, title=f"{condition}, {axis}").properties(width=WIDTH, height=alt.Step(ROW))


def _bar(row: ComparedRow, one: BreakingDose, top: float) -> dict[str, object]:
    """The ends of a bar; one that is censored goes to the edge of the panel."""
    return {
        "who": _who(row),
        "subject": row.subject,
        "low": one.low,
        "high": top if one.high is None else one.high,
        "censored": one.high is None,
        "says": f"{one.broken} of {one.seeds} broken",
    }


def _who(row: ComparedRow) -> str:
    return f"{printable(row.study)[:LETTERS]}, {row.subject}"
