"""What the command line prints on stdout: tables of at most 80 columns, or one JSON document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from titer.analysis.findings import Verdict
from titer.errors import InputError
from titer.records import Outcome, canonical

if TYPE_CHECKING:
    from rich.table import Table

EXIT: dict[Outcome, int] = {"upheld": 0, "refuted": 3, "undecided": 4, "void": 5}
"""The exit codes of `verdict` and `run --gate`. A whole verdict is never `not applicable`."""


def print_json(value: Any) -> None:
    """Print one JSON document."""
    typer.echo(canonical(value))


def print_rows(title: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Print rows of equal keys as a table with the keys on top."""
    table = _table(title)
    for name in rows[0] if rows else ():
        table.add_column(name.replace("_", " "), overflow="fold", justify="right" if _is_number(rows, name) else "left")
    for row in rows:
        table.add_row(*(text(value) for value in row.values()))
    _print(table)


def print_facts(title: str, facts: Mapping[str, Any]) -> None:
    """Print names and values, one pair a line."""
    table = _table(title)
    table.show_header = False
    table.add_column("", no_wrap=True)
    table.add_column("", overflow="fold")
    for name, value in facts.items():
        table.add_row(name.replace("_", " "), text(value))
    _print(table)


def print_verdict(verdict: Verdict, json: bool) -> None:
    """Print a verdict with its conditions and the controls that did not pass."""
    if json:
        typer.echo(verdict.to_json())
        return
    from titer.report.terminal import verdict_table

    _print(verdict_table(verdict))


def text(value: object) -> str:
    """A value as shown in a table: a dash where there is none."""
    from titer.errors import printable

    if value is None:
        return "–"
    return f"{value:.3g}" if isinstance(value, float) else printable(str(value))


def duration(seconds: float) -> str:
    """A time as people say it: `40 s`, `12 min`, `2 h 5 min`."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60} min"


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

    return Table(title=Text(title), title_justify="left", box=box.SIMPLE_HEAD, collapse_padding=True)


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
