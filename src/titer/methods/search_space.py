"""What a search may try of a method: for each parameter a range or a few values, as plain data of a protocol."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from titer.records import Record, canonical


class LogRange(Record):
    """Every number from `low` to `high`, with the logarithm uniform."""

    low: float
    high: float

    def holds(self, value: Any) -> bool:
        """Whether it is one of these numbers."""
        return isinstance(value, int | float) and self.low <= value <= self.high


class Options(Record):
    """A few values, as a protocol writes them."""

    values: tuple[Any, ...]

    def holds(self, value: Any) -> bool:
        """Whether it is one of these values, as it is written."""
        return canonical(value) in map(canonical, self.values)


Space = Mapping[str, LogRange | Options]
"""By the name of the parameter."""
