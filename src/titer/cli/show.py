"""What the command line prints: tables, or the same as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import typer

from titer.records import Verdict, Word, canonical

EXIT: dict[Word, int] = {"upheld": 0, "refuted": 3, "undecided": 4, "void": 5}
"""The exit codes of `verdict` and `run --gate`. A whole verdict is never `not applicable`."""


def print_rows(title: str, rows: Sequence[Mapping[str, Any]], json: bool) -> None:
    """Print rows of equal keys as a table, or as one JSON list."""
    if json:
        typer.echo(canonical([dict(row) for row in rows]))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title, title_justify="left")
    for name in rows[0] if rows else ():
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*(cell(value) for value in row.values()))
    Console().print(table)


def cell(value: object) -> str:
    """A value as shown in a table: a dash where there is none."""
    from rich.markup import escape

    if value is None:
        return "–"
    return f"{value:.3g}" if isinstance(value, float) else escape(str(value))


def print_verdict(verdict: Verdict, json: bool) -> None:
    """Print a verdict with its conditions and controls."""
    if json:
        typer.echo(verdict.to_json())
        return
    from rich.console import Console

    from titer.report.table import verdict_table

    console = Console()
    console.print(verdict_table(verdict))
    console.print(f"Verdict: {verdict.word}. {verdict.because}", markup=False, highlight=False)
