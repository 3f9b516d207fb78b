"""The charts of a report, each as SVG and PNG, made offline: harm, searches, trainability, stability."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from titer.analysis.findings import Assay, Verdict
from titer.errors import LONGEST, shown
from titer.report.difference_chart import difference_chart
from titer.report.dose_response import Captions, curve_chart, worst_within
from titer.report.role_names import role_names
from titer.report.search_tables import search_chart
from titer.report.series import Panel, harm_panels, trainability_panels
from titer.study.atomic_files import write_bytes, write_text

if TYPE_CHECKING:
    import altair as alt

FONT = "Liberation Sans, Arial, Helvetica, DejaVu Sans, sans-serif"
STYLE: Mapping[str, Any] = {
    "background": "white",
    "font": FONT,
    "padding": 12,
    "view": {"stroke": "#cccccc"},
    "axis": {"labelFontSize": 11, "titleFontSize": 12, "titleFontWeight": "normal", "gridColor": "#eeeeee"},
    "title": {"fontSize": 13, "subtitleFontSize": 11, "subtitleColor": "#444444", "anchor": "start"},
    "legend": {"labelFontSize": 12, "titleFontSize": 12, "orient": "top", "symbolSize": 90},
}


CHARTS = ("harm", "searches", "trainability", "stability")
"""The charts that a report may have, by the names of their files."""


MOST_PANELS = 24
"""A picture of more can be neither read nor printed: then each domain has the panel of the attack that got furthest."""


def _few(panels: Sequence[Panel]) -> Sequence[Panel]:
    """All panels, or of very many one a domain."""
    if len(panels) <= MOST_PANELS:
        return panels
    domains = dict.fromkeys(panel.about for panel in panels)
    return [max((panel for panel in panels if panel.about == domain), key=worst_within) for domain in domains][
        :MOST_PANELS
    ]


def charts(assay: Assay, verdict: Verdict, folder: Path) -> dict[str, str]:
    """Write every chart there are numbers for into `folder`, as NAME.svg and NAME.png.

    Returns:
        The file name of each chart's SVG by the chart's name: `harm`, `searches`, `trainability`, `stability`.
    """
    drawn = charted(assay, verdict)
    for name, chart in drawn.items():
        write_chart(chart, folder, name)
    return {name: f"{name}.svg" for name in drawn}


def charted(assay: Assay, verdict: Verdict) -> dict[str, alt.ConcatChart]:
    """Every chart there are numbers for, by its name, not drawn yet."""
    protocol = assay.protocol
    names = role_names(protocol)
    harm = Captions(
        title="Harm against the dose of the attack",
        measure="harm rate (share of items)",
        rule="threshold",
        names=names,
    )
    learning = Captions(
        title="Learning a benign task",
        measure="rate of the task (share of items)",
        rule="target",
        names=names,
    )
    drawn = {
        "harm": curve_chart(_few(harm_panels(assay)), harm),
        "searches": search_chart(assay),
        "trainability": curve_chart(trainability_panels(assay), learning),
        "stability": difference_chart(verdict, protocol),
    }
    return {name: chart for name, chart in drawn.items() if chart is not None}


def write_chart(chart: alt.ConcatChart, folder: Path, name: str) -> None:
    """Write one chart as NAME.svg and, from that, NAME.png, each whole or not at all; nothing is fetched for it.

    Args:
        chart: the chart, not styled yet.
        folder: where it is written.
        name: of the files, without their ending.
    """
    svg = svg_of(chart)
    write_text(folder / f"{name}.svg", svg)
    write_bytes(folder / f"{name}.png", png_of(svg))


def svg_of(chart: alt.ConcatChart) -> str:
    """A chart as SVG; nothing is fetched for it."""
    import altair as alt
    import vl_convert

    with alt.data_transformers.disable_max_rows():
        spec = _as_text(chart.configure(**STYLE).to_dict())
    return vl_convert.vegalite_to_svg(spec, allowed_base_urls=[])


def png_of(svg: str) -> bytes:
    """A drawn chart as PNG."""
    import vl_convert

    return vl_convert.svg_to_png(svg, scale=2)


def _as_text(spec: Any) -> Any:
    """A chart whose texts are printable, and not endless: at a control character the program that draws it aborts."""
    match spec:
        case str():
            return shown(spec, LONGEST)
        case dict():
            return {key: _as_text(value) for key, value in spec.items()}
        case list():
            return [_as_text(value) for value in spec]
        case _:
            return spec
