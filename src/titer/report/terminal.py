"""The first screen of a report for a terminal: question, answer, conditions, controls, doubt, next step."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from titer.errors import LONGEST, shown
from titer.report.view.first_screen import FirstScreen
from titer.report.view.said import plain

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
MOST_LINES = {"Question": 4, "Answer": 4, "Not tested": 2, "Doubt": 3, "Next": 2}
"""Of each paragraph; the rest of it is in the report."""
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
    yield from _paragraph("Question", plain(screen.question, "en"), console)
    yield from _paragraph("Answer", plain(screen.answer, "en"), console)
    yield Text()
    for line in (*screen.conditions, screen.checks):
        row = Text()
        for cell, width, own in ((line.key, NAME, ""), (line.came_out.en, OUTCOME, STYLES[line.outcome])):
            part = Text(shown(cell, LONGEST), style=own)
            part.truncate(width - 1, overflow="ellipsis", pad=True)
            row.append_text(part).append(" ")
        row.append(shown(plain(line.asked if line.number is None else line.number, "en"), LONGEST))
        row.truncate(console.width, overflow="ellipsis")
        yield row
    yield Text()
    for label, parts in (("Not tested", screen.untested), ("Doubt", screen.doubts), ("Next", screen.steps)):
        if parts:
            yield from _paragraph(label, " ".join(plain(part, "en") for part in parts), console)


def _paragraph(label: str, text: str, console: Console) -> Iterator[Text]:
    """A paragraph with a label before it, of a few lines at most."""
    from rich.text import Text

    most = MOST_LINES[label]
    head = Text(shown(label, LONGEST))
    head.truncate(LABEL - 1, overflow="ellipsis", pad=True)
    lines = Text(shown(text, LONGEST)).wrap(console, console.width - LABEL)
    for number, line in enumerate(lines[:most]):
        line.rstrip()
        if number == most - 1 and len(lines) > most:
            line.truncate(console.width - LABEL - 2)
            line.append(" …")
        before = f"{head.plain} " if number == 0 else " " * LABEL
        yield Text(before, style="bold").append_text(line)
