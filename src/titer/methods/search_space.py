"""What a search may try of a method: for each parameter a range or a few values, as plain data of a protocol."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from titer.records import Record


class LogRange(Record):
    """Every number from `low` to `high`, with the logarithm uniform."""

    low: float
    high: float


class Options(Record):
    """A few values, as a protocol writes them."""

    values: tuple[Any, ...]


Space = Mapping[str, LogRange | Options]
"""By the name of the parameter."""
