"""Charts are written as SVG and PNG, and only where there is something to draw."""

from __future__ import annotations

import struct
from pathlib import Path
from xml.etree import ElementTree

import pytest
from support.report_assays import assay, verdict

from titer.report.charts import charts
from titer.report.difference_chart import difference_lines
from titer.report.dose_response import tick_doses


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    for name in ("harm.svg", "harm.png"):
        (folder / name).symlink_to(folder.parent / "not to be written")
    made = charts(assay(), verdict(), folder)
    assert made == {name: f"{name}.svg" for name in ("harm", "trainability", "stability")}
    return folder


def test_charts_are_written_whole_and_to_nothing_behind_a_link(drawn: Path) -> None:
    assert {path.name for path in drawn.iterdir()} == {
        f"{name}.{kind}" for name in ("harm", "trainability", "stability") for kind in ("svg", "png")
    }
    assert not any(path.is_symlink() for path in drawn.iterdir())
    assert not (drawn.parent / "not to be written").exists()


def outcomes(path: Path) -> str:
    return " ".join(text for text in ElementTree.parse(path).getroot().itertext() if text.strip())


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (
            "harm",
            ["dose (optimizer steps)", "harm rate", "threshold 0.2", "budget 32", "defended, sham", "metals"],
        ),
        ("trainability", ["dose (optimizer steps)", "target 0.6", "seasons"]),
        ("stability", ["margin −0.05", "over-refusal", "defended − undefended (rate); right is better", "undecided"]),
    ],
)
def test_each_svg_parses_and_names_axes_replicates_and_rules(drawn: Path, name: str, said: list[str]) -> None:
    text = outcomes(drawn / f"{name}.svg")
    assert [outcome for outcome in said if outcome not in text] == []


@pytest.mark.parametrize("name", ["harm", "trainability", "stability"])
def test_each_png_is_readable_at_800_pixels(drawn: Path, name: str) -> None:
    head = (drawn / f"{name}.png").read_bytes()[:24]
    assert head[:8] == b"\x89PNG\r\n\x1a\n"
    width = struct.unpack(">I", head[16:20])[0]
    assert 1100 <= width <= 1700  # drawn at twice the pixels


def test_no_chart_where_nothing_was_read_or_compared(tmp_path: Path) -> None:
    bare = assay().model_copy(update={"curves": ()})
    unread = verdict().model_copy(update={"conditions": ()})
    assert charts(bare, unread, tmp_path) == {}
    assert list(tmp_path.iterdir()) == []


def test_stability_draws_differences_not_the_rates_of_one_subject() -> None:
    assert [line.what for line in difference_lines(verdict())] == [
        "seasons",
        "refusal in rivers",
        "over-refusal",
    ]


def test_labels_of_doses_keep_both_ends_and_the_budget_and_never_touch() -> None:
    ladder = (0, *range(1, 129))
    ticks = tick_doses(ladder, 1, 200, 32)
    assert {0, 32, 128} <= set(ticks)
    assert len(ticks) <= 11
    assert tick_doses((5, 6, 7), 5, 640, None) == [5, 6, 7]
