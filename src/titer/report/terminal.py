"""The first screen of a report for a terminal: question, answer, conditions, controls, doubt, next step."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from titer.errors import LONGEST, shown
from titer.report.view.condition_lines import ConditionLine
from titer.report.view.first_screen import FirstScreen
from titer.report.view.said import Said, plain

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

STYLES = {
    "upheld": "bold green",
    "refuted": "bold red",
    "undecided": "bold yellow",
    "void": "bold magenta",
    "not applicable": "dim",
}
MOST_LINES = {"Question": 10, "Answer": 10, "Remarks": 4, "Parent": 4, "Not tested": 4, "Doubt": 3, "Next": 3}
"""Of each paragraph; the rest of it is in the report."""
MOST_NUMBERS = 5
"""The most lines of what was measured of a condition."""
NAME, OUTCOME, LABEL = 15, 12, 12
"""The columns of a condition's name, of its outcome and of a label."""


def screen_text(study: str, screen: FirstScreen, console: Console) -> Iterator[Text]:
    """The lines of a first screen, none wider than the console; nothing in them is read as markup.

    Args:
        study: its name.
        screen: what is shown.
        console: the terminal that it is shown on.
    """
    from rich.text import Text

    name = Text(shown(study, LONGEST))
    name.truncate(console.width - len(": ") - len(screen.outcome), overflow="ellipsis")
    yield name.append(": ").append(screen.outcome, style=STYLES[screen.outcome])
    yield Text()
    yield from _paragraph("Question", (screen.question,), console)
    yield from _paragraph("Answer", (screen.answer,), console)
    if screen.remarks:
        yield from _paragraph("Remarks", screen.remarks, console)
    yield Text()
    for line in (*screen.conditions, screen.checks):
        yield from _condition(line, console)
    yield Text()
    parent = () if screen.parent is None else (screen.parent,)
    below = (("Parent", parent), ("Not tested", screen.untested), ("Doubt", screen.doubts), ("Next", screen.steps))
    for label, parts in below:
        if parts:
            yield from _paragraph(label, parts, console)


def _condition(line: ConditionLine, console: Console) -> Iterator[Text]:
    """Its name, its outcome, and what was measured."""
    from rich.text import Text

    head = Text()
    for cell, width, own in ((line.key, NAME, ""), (line.came_out.en, OUTCOME, STYLES[line.outcome])):
        part = Text(shown(cell, LONGEST), style=own)
        part.truncate(width - 1, overflow="ellipsis", pad=True)
        head.append_text(part).append(" ")
    measured = plain(line.asked if line.number is None else line.number, "en")
    for number, row in enumerate(_lines([measured], MOST_NUMBERS, console, console.width - NAME - OUTCOME)):
        yield (head if number == 0 else Text(" " * (NAME + OUTCOME))).append_text(row)


def _paragraph(label: str, parts: Sequence[Said], console: Console) -> Iterator[Text]:
    """A paragraph with a label before it, of a few lines at most."""
    from rich.text import Text

    head = Text(shown(label, LONGEST))
    head.truncate(LABEL - 1, overflow="ellipsis", pad=True)
    rows = _lines([plain(part, "en") for part in parts], MOST_LINES[label], console, console.width - LABEL)
    for number, row in enumerate(rows):
        before = f"{head.plain} " if number == 0 else " " * LABEL
        yield Text(before, style="bold").append_text(row)


def _lines(parts: Sequence[str], most: int, console: Console, width: int) -> list[Text]:
    """As many parts as fit whole, and how many are left; of the first what fits."""
    from rich.text import Text

    for kept in range(len(parts), 0, -1):
        more = f" (and {len(parts) - kept} more)" if kept < len(parts) else ""
        rows = list(Text(shown(" ".join(parts[:kept]), LONGEST) + more).wrap(console, width))
        if len(rows) <= most:
            break
    for row in rows:
        row.rstrip()
    if len(rows) > most:
        rows = rows[:most]
        rows[-1].truncate(width - 2)
        rows[-1].append(" …")
    return rows
