"""Tables and paragraphs of Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from textwrap import fill

Cell = str | int


def table(head: Sequence[Cell], rows: Iterable[Sequence[Cell]]) -> str:
    """A table; a row has a cell for each head."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(str(cell) for cell in line)} |" for line in lines)


def paragraph(*sentences: str) -> str:
    """Sentences, broken into lines of at most 120 characters."""
    return fill(" ".join(sentences), 120, break_long_words=False, break_on_hyphens=False)


def page(parts: Iterable[str]) -> str:
    """Headings, paragraphs and tables, an empty line between them."""
    return "\n\n".join(parts)


def percent(share: float, digits: int = 2) -> str:
    """A share in percent."""
    return f"{100 * share:.{digits}f} %"


def passed(passes: bool) -> str:
    """Whether something keeps its limit."""
    return "yes" if passes else "**no**"
