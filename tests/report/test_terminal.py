"""The verdict in a terminal, and text that tries to paint it."""

from __future__ import annotations

import io

from rich.console import Console
from support.report_assays import verdict

from titer.errors import printable
from titer.report.escape import escape
from titer.report.terminal import verdict_figures, verdict_table


def test_conditions_then_doubtful_controls_then_the_whole() -> None:
    figures = verdict_figures(verdict())
    assert [line.name for line in figures] == [
        "resistance", "generalization", "stability", "trainability", "control: judge", "verdict",
    ]  # fmt: skip
    assert figures[-1].outcome == "void"
    assert figures[2].reason == "no task lost more than 0.05. provisional: the test is asymptotic."


def test_the_table_shows_the_same_and_no_markup_is_obeyed() -> None:
    told = verdict().model_copy(update={"reason": "[bold]loud[/bold] \x1b[31mred"})
    console = Console(width=120, record=True, file=io.StringIO())
    console.print(verdict_table(told))
    text = console.export_text()
    assert "[bold]loud[/bold]" in text
    assert "\x1b" not in text
    assert "1 of 2 controls passed" in text


def test_marks_that_turn_or_hide_text_are_replaced() -> None:
    assert printable("a\u202eb\tc\r\nd") == "a\ufffdb c  d"
    assert escape("<img src=x>`|[a](b)") == "&lt;img src=x&gt;\\`\\|\\[a\\](b)"
