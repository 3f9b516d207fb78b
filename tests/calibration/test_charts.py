"""The charts of the page: well-formed, and those that the script would write."""

from __future__ import annotations

import sys
from xml.etree import ElementTree

import pytest
from support import ROOT

sys.path.insert(0, str(ROOT))

from benchmarks.calibration.__main__ import PAGE
from benchmarks.calibration.power_charts import charts
from benchmarks.calibration.power_tables import TrainingPower
from benchmarks.calibration.svg import Chart, Line


def test_a_chart_is_well_formed() -> None:
    lines = [Line(name="a < b & c", points=[(0, 0), (1, 1)]), Line(name="d", points=[(0, 1), (1, 0)], color=1, dash=1)]
    text = Chart(title="t > u", across="x", up="y", lines=lines, ticks=(0, 1), heights=(0, 1)).svg()
    root = ElementTree.fromstring(text)
    drawn = root.findall("{http://www.w3.org/2000/svg}polyline")
    assert [line.get("points") for line in drawn] == ["64.0,328.0 534.0,44.0", "64.0,44.0 534.0,328.0"]
    assert "100 %" in text


@pytest.mark.slow
def test_the_charts_are_those_of_the_page() -> None:
    """The one of trainability is simulated, and not drawn again."""
    drawn = charts([TrainingPower(loss=0.0, seed_sd=0.0, studies=1, upheld=1.0)])
    text = (ROOT / PAGE).read_text(encoding="utf-8")
    for name, chart in drawn.items():
        assert f"images/{name}" in text
        kept = (ROOT / PAGE.parent / "images" / name).read_text(encoding="utf-8")
        assert name == "calibration-trainability.svg" or kept == chart.svg()
