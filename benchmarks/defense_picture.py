"""The picture of a comparison of defenses: what each buys and what it takes, with intervals, as large as its cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from titer.report.charts import STYLE

if TYPE_CHECKING:
    import altair as alt

WIDTH, ROW = 330, 19
COLORS = {"upheld": "#0072B2", "refuted": "#D55E00", "undecided": "#999999", "void": "#999999"}


@dataclass(frozen=True, kw_only=True)
class Mark:
    """One defense as it is drawn: the limits of its titer in steps, its worst task, its cost where it is known."""

    name: str
    low: float
    high: float | None
    change: float
    change_low: float
    seconds: float | None
    stable: str


def picture(marks: Sequence[Mark], undefended: float | None, margin: float) -> alt.HConcatChart:
    """One row for each defense: left how long it withstands, right what it loses.

    Args:
        marks: in the order of the rows.
        undefended: the upper limit of the undefended model's titer, drawn as a rule.
        margin: how much a task may lose, drawn as another.
    """
    import altair as alt

    top = max([mark.high or 0.0 for mark in marks] + [2 * mark.low for mark in marks] + [1.0])
    rows = [asdict(mark) | {"end": mark.high or top, "open": "" if mark.high else "→"} for mark in marks]
    data = alt.Chart(alt.InlineData(values=rows))
    known = data.transform_filter("isValid(datum.seconds)")
    unknown = data.transform_filter("!isValid(datum.seconds)")
    y = alt.Y("name:N", sort=[mark.name for mark in marks], title=None, axis=alt.Axis(labelLimit=160, labelPadding=12))
    color = alt.Color(
        "stable:N",
        scale=alt.Scale(domain=list(COLORS), range=list(COLORS.values())),
        title="stability",
        legend=alt.Legend(values=["upheld", "refuted", "undecided"]),
    )
    size = alt.Size("seconds:Q", title="seconds of one model", scale=alt.Scale(range=[25, 420]))
    steps = alt.Scale(type="symlog", constant=1, domain=[0, top])
    ticks = alt.Axis(values=[0, 1, 2, 4, 8, 16, 32, 64], grid=True)
    x = alt.X("low:Q", scale=steps, axis=ticks, title="steps of training that it withstands (limits of the median)")
    layers = [
        data.mark_rule(strokeWidth=2.2).encode(x=x, x2="end:Q", y=y, color=color),
        data.mark_text(align="right", dx=2, fontSize=14).encode(x=alt.X("end:Q", scale=steps), y=y, text="open:N"),
        known.mark_point(filled=True, opacity=0.9).encode(x=x, y=y, color=color, size=size),
        unknown.mark_point(filled=False, size=60).encode(x=x, y=y, color=color),
    ]
    if undefended is not None:
        rule = alt.Chart(alt.InlineData(values=[{"low": undefended}]))
        layers.append(rule.mark_rule(strokeDash=[5, 4], color="#333333").encode(x=x))
    least = min([mark.change_low for mark in marks] + [-2 * margin])
    scale = alt.Scale(domain=[least, 0.05], nice=True)
    change = alt.X("change:Q", scale=scale, title="worst task, defended − undefended (with its lower limit)")
    bare = alt.Y("name:N", sort=[mark.name for mark in marks], title=None, axis=alt.Axis(labels=False, ticks=False))
    allowed = alt.Chart(alt.InlineData(values=[{"change": -margin}]))
    right = [
        allowed.mark_rule(strokeDash=[5, 4], color="#333333").encode(x=change),
        data.mark_rule(strokeWidth=2.2).encode(
            x=alt.X("change_low:Q", scale=scale), x2="change:Q", y=bare, color=color
        ),
        data.mark_point(filled=True, opacity=0.9, size=50).encode(x=change, y=bare, color=color),
    ]
    both = [alt.layer(*half).properties(width=WIDTH, height=alt.Step(ROW)) for half in (layers, right)]
    styled: alt.HConcatChart = alt.hconcat(*both).configure(**STYLE)
    return styled
