"""The first screen of a verdict in a terminal, and text that tries to paint it."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from rich.cells import cell_len
from rich.console import Console
from support.report_assays import assay, verdict

from titer.analysis.findings import Verdict
from titer.errors import printable
from titer.report.escape import escape
from titer.report.terminal import screen_text
from titer.report.view.first_screen import first_screen
from titer.report.view.said import Given

HOSTILE = "[bold]loud[/bold] \x1b[31mred\x07 \u202eevil\u2066 \r\n 中文名字" * 3


def painted(told: Verdict, width: int = 80) -> list[str]:
    """The lines of the screen as a terminal of that width gets them."""
    console = Console(width=width, file=io.StringIO(), markup=False)
    return [line.plain for line in screen_text(told.study, first_screen(told, assay(), ()), console)]


def test_it_has_what_the_first_screen_of_the_page_has() -> None:
    text = painted(verdict())
    for label in ("Question", "Answer", "Not tested", "Doubt", "Next"):
        assert sum(line.startswith(label) for line in text) == 1
    said = " ".join(line.strip() for line in text)
    for name in ("resistance", "generalization", "stability", "trainability"):
        assert sum(line.startswith(name) for line in text) == 1
    assert "protected by the method adversarial_loss" in said
    assert "refuted" in said


def test_a_condition_has_its_outcome_and_its_number_in_one_line_and_so_have_the_controls() -> None:
    rows = {line.split()[0]: line for line in painted(verdict()) if line.split()}
    assert rows["resistance"].split(maxsplit=2)[1:] == ["shown", "5 of 5 attacked copies stayed below the threshold"]
    assert rows["trainability"].split(maxsplit=1)[1].startswith("not decided ")
    assert rows["controls"].split(maxsplit=2)[1:] == ["failed", "1 of 2 checks of the test itself passed"]
    whole = verdict().model_copy(update={"controls": verdict().controls[:1]})
    (row,) = (line for line in painted(whole) if line.startswith("controls"))
    assert row.split(maxsplit=2)[1:] == ["passed", "1 of 1 checks of the test itself passed"]


@pytest.mark.parametrize("width", [40, 80, 160])
def test_no_line_is_wider_than_the_terminal_and_the_screen_is_short(width: int) -> None:
    lines = painted(verdict(), width)
    assert max(map(cell_len, lines)) <= width
    assert len(lines) <= 40 if width >= 80 else len(lines) <= 52


def test_what_does_not_fit_is_left_out_by_whole_sentences_and_counted() -> None:
    doubts = tuple(f"Doubt number {number}, which takes about half of a line of this terminal." for number in range(20))
    screen = replace(first_screen(verdict(), assay(), ()), doubts=tuple(Given(text=doubt) for doubt in doubts))
    console = Console(width=80, file=io.StringIO(), markup=False)
    text = " ".join(line.plain.strip() for line in screen_text("name", screen, console))
    kept = sum(doubt in text for doubt in doubts)
    assert 1 < kept < 20
    assert f"{doubts[kept - 1]} (and {20 - kept} more) Next" in text


@pytest.mark.parametrize("text", [HOSTILE, "字" * 400_000, "a" * 1_000_000])
def test_hostile_text_is_shown_as_text_and_fills_no_screen(text: str) -> None:
    told = verdict().model_copy(
        update={"study": text, "reason": text, "unchecked": (text,), "parent": text, "parent_zh": text}
    )
    conditions = tuple(one.model_copy(update={"reason": text, "remedy": text}) for one in told.conditions)
    controls = tuple(one.model_copy(update={"name": text, "remedy": text}) for one in told.controls)
    lines = painted(told.model_copy(update={"conditions": conditions, "controls": controls}))
    assert max(map(cell_len, lines)) <= 80
    assert len(lines) <= 44
    assert all(line.isprintable() for line in lines)


def test_markup_of_rich_is_not_obeyed() -> None:
    console = Console(width=120, record=True, file=io.StringIO(), markup=False)
    for line in screen_text(HOSTILE, first_screen(verdict(), assay(), ()), console):
        console.print(line)
    text = console.export_text()
    assert "[bold]loud[/bold]" in text
    assert "\x1b" not in text


def test_marks_that_turn_or_hide_text_are_replaced() -> None:
    assert printable("a\u202eb\tc\r\nd") == "a\ufffdb c  d"
    assert escape("<img src=x>`|[a](b)") == "&lt;img src=x&gt;\\`\\|\\[a\\](b)"
