"""A table as every renderer takes it: caption, head, and rows whose first cell names the row."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from titer.analysis.sentences.text import Text
from titer.report.view.said import Said

Tone = Literal["good", "bad", "open", "quiet"]
"""What a color says again beside the words."""


@dataclass(frozen=True, kw_only=True)
class Marked:
    """A cell that a color sets off."""

    said: Said
    tone: Tone


TableCell = Said | Marked | None


@dataclass(frozen=True, kw_only=True)
class TableView:
    """A table; `numeric` are the columns whose cells are numbers."""

    caption: Text
    head: tuple[Said, ...]
    rows: tuple[tuple[TableCell, ...], ...]
    numeric: frozenset[int] = frozenset()


def table_view(
    caption: Text, head: Sequence[Said], rows: Iterable[Sequence[TableCell]], numeric: Iterable[int] = ()
) -> TableView:
    """A table of these rows.

    Args:
        caption: what it shows.
        head: the names of its columns.
        rows: its cells, row by row.
        numeric: the columns of numbers.
    """
    return TableView(
        caption=caption, head=tuple(head), rows=tuple(tuple(row) for row in rows), numeric=frozenset(numeric)
    )
