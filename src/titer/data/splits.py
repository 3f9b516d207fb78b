"""The splits of a study as rows: what `splitting` cuts and `contamination` audits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from titer.records import Record, Row


@dataclass(frozen=True, kw_only=True)
class Part:
    """One split of one source.

    `user` is what the source is for (`domain/NAME`, `benign/0`, `task/NAME`); `grouping` is the source with its
    group column, None where no column is named and word sets decide.
    """

    user: str
    split: str
    rows: tuple[Row, ...]
    grouping: str | None

    @property
    def owner(self) -> str:
        """`domain/NAME`, `task/NAME`, or `benign` for all sources of benign rows."""
        return "benign" if self.user.startswith("benign/") else self.user

    @property
    def name(self) -> str:
        """The owner and the split, `domain/NAME/SPLIT`."""
        return f"{self.owner}/{self.split}"


@dataclass(frozen=True, kw_only=True)
class Splits:
    """Every split of a study, disjoint by group; and by domain every row, of the domains that are taught.

    What is taught before a model is aligned is no split: it holds what all others do, and no audit compares it.
    """

    parts: tuple[Part, ...]
    knowledge: Mapping[str, tuple[Row, ...]] = field(default_factory=dict)

    @property
    def domain(self) -> dict[str, dict[str, tuple[Row, ...]]]:
        """The rows of each harm domain by split."""
        return self._named("domain")

    @property
    def task(self) -> dict[str, dict[str, tuple[Row, ...]]]:
        """The rows of each task by split."""
        return self._named("task")

    @property
    def benign(self) -> dict[str, tuple[Row, ...]]:
        """The benign rows by split, those of several sources joined: ids and groups then begin with its number."""
        parts = [part for part in self.parts if part.owner == "benign"]
        several = len({part.user for part in parts}) > 1
        joined: dict[str, tuple[Row, ...]] = {}
        for part in parts:
            number = part.user.removeprefix("benign/")
            added = tuple(_prefixed(row, number) for row in part.rows) if several else part.rows
            joined[part.split] = (*joined.get(part.split, ()), *added)
        return joined

    def _named(self, kind: str) -> dict[str, dict[str, tuple[Row, ...]]]:
        found: dict[str, dict[str, tuple[Row, ...]]] = {}
        for part in self.parts:
            owner, name = part.user.split("/", 1)
            if owner == kind:
                found.setdefault(name, {})[part.split] = part.rows
        return found


def _prefixed(row: Row, number: str) -> Row:
    return row.model_copy(update={"id": f"{number}/{row.id}", "group": f"{number}/{row.group}"})


class Overlap(Record):
    """One pair of splits in the audit: how many rows are the same or nearly the same."""

    first: str
    second: str
    exact: int
    near: int
    example: tuple[str, str] | None = None
