"""Rows of Markdown tables."""

from __future__ import annotations


def row(*cells: str) -> str:
    """One line of a table."""
    return f"| {' | '.join(cells)} |"


def cell(text: str) -> str:
    """A text as it may stand in a table: on one line, its bars and angle brackets as themselves."""
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")
