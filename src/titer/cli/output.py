"""What the command line prints on stdout: tables of at most 80 columns, or one JSON document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from json import dumps
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import typer

from titer.errors import LONGEST, InputError, printable, shown
from titer.records import Outcome, canonical

if TYPE_CHECKING:
    from rich.table import Table

    from titer.analysis.concluding import Conclusion

EXIT: dict[Outcome, int] = {"upheld": 0, "refuted": 3, "undecided": 4, "void": 5}
"""The exit codes of `verdict` and `run --gate`. A whole verdict is never `not applicable`."""

DAMAGED = 6
"""The exit code of `immunize` where the model that it made is damaged."""

SHORT = 14
"""A column whose longest cell, and name, is no longer stays whole; the others share what is left."""


def say(line: str | Path, *, err: bool = False) -> None:
    """Print one line as it is, but for signs that steer a terminal: a path or a reason may hold some.

    Args:
        line: the line.
        err: whether it goes to stderr.
    """
    typer.echo(printable(str(line)), err=err)


def print_json(value: Any) -> None:
    """Print one JSON document."""
    echo_json(canonical(value))


def echo_json(document: str) -> None:
    """Print a JSON document that is written already; signs that steer a terminal are told by their numbers.

    Args:
        document: the document, on one line.
    """
    typer.echo("".join(sign if sign.isprintable() else dumps(sign)[1:-1] for sign in document))


def print_rows(title: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Print rows of equal keys as a table with the keys on top."""
    table = _table(title)
    whole = _kept_whole(rows)
    for name in rows[0] if rows else ():
        side: Literal["left", "right"] = "right" if _is_number(rows, name) else "left"
        table.add_column(name.replace("_", " "), overflow="fold", justify=side, no_wrap=name in whole)
    for row in rows:
        table.add_row(*(text(value) for value in row.values()))
    _print(table)


def _kept_whole(rows: Sequence[Mapping[str, Any]]) -> set[str]:
    """The short columns, whose words are not broken; none where they would leave the others too little."""
    from rich.cells import cell_len
    from rich.console import Console

    longest = {name: max(cell_len(text(row[name])) for row in rows) for name in (rows[0] if rows else ())}
    short = {name for name, width in longest.items() if cell_len(name) <= width <= SHORT}
    taken = sum(longest[name] + len("  ") for name in short)
    return short if taken <= Console().width * 3 // 4 else set()


def print_lines(title: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Print rows of equal keys, each on one line: what is too long ends with an ellipsis, the last column first."""
    from rich.cells import cell_len
    from rich.console import Console
    from rich.text import Text

    console = Console(markup=False)
    cells = [[text(value) for value in row.values()] for row in [dict(zip(rows[0], rows[0], strict=True)), *rows]]
    widths = [min(max(map(cell_len, column)), console.width // 4) for column in list(zip(*cells, strict=True))[:-1]]
    head = Text(shown(title, LONGEST), style="italic")
    head.truncate(console.width, overflow="ellipsis")
    console.print(head)
    for number, row in enumerate(cells):
        line = Text(style="bold" if number == 0 else "")
        for cell, width in zip(row, widths, strict=False):
            part = Text(cell)
            part.truncate(width, overflow="ellipsis", pad=True)
            line.append_text(part).append("  ")
        line.append(row[-1])
        line.truncate(console.width, overflow="ellipsis")
        console.print(line, no_wrap=True)


def print_text(said: str, indent: int = 0) -> None:
    """Print one paragraph, wrapped at the width of the terminal; a wide sign counts as the two columns it takes.

    Args:
        said: the text.
        indent: the columns left free before it.
    """
    from rich.console import Console
    from rich.text import Text

    console = Console(markup=False)
    for line in Text(shown(said, 4 * LONGEST)).wrap(console, console.width - indent):
        line.rstrip()
        console.print(Text(" " * indent).append_text(line))


def print_facts(title: str, facts: Mapping[str, Any]) -> None:
    """Print names and values, one pair a line."""
    table = _table(title)
    table.show_header = False
    table.add_column("", no_wrap=True)
    table.add_column("", overflow="fold")
    for name, value in facts.items():
        table.add_row(name.replace("_", " "), text(value))
    _print(table)


def print_verdict(conclusion: Conclusion, json: bool) -> None:
    """Print a verdict: its first screen, or one JSON document."""
    if json:
        echo_json(conclusion.verdict.to_json())
        return
    from rich.console import Console

    from titer.report.terminal import screen_text
    from titer.report.view.first_screen import first_screen

    console = Console(markup=False)
    screen = first_screen(conclusion.verdict, conclusion.assay, ())
    for line in screen_text(conclusion.verdict.study, screen, console):
        console.print(line, no_wrap=True)


def text(value: object) -> str:
    """A value as shown in a table: a dash where there is none."""
    if value is None:
        return "–"
    return f"{value:.3g}" if isinstance(value, float) else shown(str(value), LONGEST)


def duration(seconds: float) -> str:
    """A time as people say it: `40 s`, `12 min`, `2 h 5 min`, `3 days 4 h`."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 100:
        return f"{minutes} min"
    hours = round(minutes / 60)
    return f"{minutes // 60} h {minutes % 60} min" if hours < 48 else f"{hours // 24} days {hours % 24} h"


def time_range(least: float, most: float) -> str:
    """Two times as people say them, the unit once where both have it: `12 to 45 min`, `40 s to 12 min`."""
    low, high = duration(least), duration(most)
    if low == high:
        return f"about {low}"
    number, _, unit = low.partition(" ")
    return f"{number} to {high}" if high.partition(" ")[2] == unit else f"{low} to {high}"


def _is_number(rows: Sequence[Mapping[str, Any]], name: str) -> bool:
    return all(row[name] is None or isinstance(row[name], int | float) for row in rows)


def _table(title: str) -> Table:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    return Table(title=Text(shown(title, LONGEST)), title_justify="left", box=box.SIMPLE_HEAD, collapse_padding=True)


def _print(table: Table) -> None:
    from rich.console import Console

    Console(markup=False).print(table)


def check_folder(folder: Path) -> None:
    """Check that a folder can be written to: it is there, or nothing of that name is.

    Raises:
        InputError: if it is a file.
    """
    if folder.exists() and not folder.is_dir():
        raise InputError(str(folder), "this is a file, and a folder is meant", "Choose another name.")


def check_free(folder: Path) -> None:
    """Check that a folder is empty or not there yet, so that nothing is written over.

    Raises:
        InputError: if `folder` is a file, or a folder with something in it.
    """
    check_folder(folder)
    if folder.is_dir() and any(folder.iterdir()):
        raise InputError(str(folder), "the folder is not empty", "Choose another one.")
