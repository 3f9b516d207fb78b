"""The first screen of a verdict in a terminal, and text that tries to paint it."""

from __future__ import annotations

import io

import pytest
from rich.cells import cell_len
from rich.console import Console
from support.report_assays import protocol, verdict

from titer.analysis.findings import Verdict
from titer.errors import printable
from titer.report.escape import escape
from titer.report.terminal import first_screen, screen_text

HOSTILE = "[bold]loud[/bold] \x1b[31mred\x07 \u202eevil\u2066 \r\n 中文名字" * 3


def painted(told: Verdict, width: int = 80) -> list[str]:
    """The lines of the screen as a terminal of that width gets them."""
    console = Console(width=width, file=io.StringIO(), markup=False)
    return [line.plain for line in screen_text(first_screen(told, protocol(), "orchard"), console)]


def test_it_has_question_answer_conditions_controls_doubt_and_next_step() -> None:
    screen = first_screen(verdict(), protocol(), "orchard")
    assert [line.name for line in screen.lines] == [
        "resistance", "generalization", "stability", "trainability", "controls", "  control",
    ]  # fmt: skip
    assert [line.word for line in screen.lines[-2:]] == ["not all", "failed"]
    assert screen.lines[-2].reason == "1 of 2 passed."
    assert screen.outcome == "void"
    assert screen.answer.startswith("This study cannot say.")
    assert "organism, defended by adversarial_loss, stay below 20 % harmful answers up to 32 steps" in screen.question
    assert "rivers (defended), metals (unseen)" in screen.question
    text = painted(verdict())
    for label in ("Question", "Answer", "Doubt", "Next"):
        assert sum(line.startswith(label) for line in text) == 1


def test_a_control_is_passed_and_never_upheld() -> None:
    told = verdict()
    passed = told.model_copy(update={"controls": tuple(one for one in told.controls if one.outcome == "upheld")})
    screen = first_screen(passed, protocol(), "orchard")
    assert screen.lines[-1][2:] == ("passed", "1 of 1 passed.")


@pytest.mark.parametrize("width", [40, 80, 160])
def test_no_line_is_wider_than_the_terminal_and_the_screen_is_short(width: int) -> None:
    lines = painted(verdict(), width)
    assert max(map(cell_len, lines)) <= width
    assert len(lines) <= 27 if width == 40 else len(lines) <= 25


@pytest.mark.parametrize("text", [HOSTILE, "字" * 400_000, "a" * 1_000_000])
def test_hostile_text_is_shown_as_text_and_fills_no_screen(text: str) -> None:
    told = verdict().model_copy(
        update={"study": text, "reason": text, "unchecked": (text,), "parent": text, "parent_zh": text}
    )
    conditions = tuple(one.model_copy(update={"name": text, "reason": text}) for one in told.conditions)
    controls = tuple(one.model_copy(update={"name": text, "remedy": text}) for one in told.controls)
    lines = painted(told.model_copy(update={"conditions": conditions, "controls": controls}))
    assert max(map(cell_len, lines)) <= 80
    assert len(lines) <= 30
    assert all(line.isprintable() for line in lines)


def test_markup_of_rich_is_not_obeyed() -> None:
    console = Console(width=120, record=True, file=io.StringIO(), markup=False)
    for line in screen_text(first_screen(verdict().model_copy(update={"reason": HOSTILE}), protocol(), "s"), console):
        console.print(line)
    text = console.export_text()
    assert "[bold]loud[/bold]" in text
    assert "\x1b" not in text


def test_marks_that_turn_or_hide_text_are_replaced() -> None:
    assert printable("a\u202eb\tc\r\nd") == "a\ufffdb c  d"
    assert escape("<img src=x>`|[a](b)") == "&lt;img src=x&gt;\\`\\|\\[a\\](b)"
