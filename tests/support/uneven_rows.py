"""Tiny rows whose refusals differ in length, and whose benign answers do: a mean over tokens is not one over rows."""

from __future__ import annotations

from dataclasses import replace

from titer.testing import tiny_material
from titer.training.types import Material

REFUSALS = ("no", "i will not", "i can not help you with that", "i do not say")
OPENINGS = ("", "that makes ", "it is ")


def uneven_material(rows: int = 12) -> Material:
    """The tiny rows with these refusals, and with benign answers that begin in these ways."""
    own = tiny_material(rows)
    harmful = tuple(
        row.model_copy(update={"refusal": REFUSALS[place % len(REFUSALS)]}) for place, row in enumerate(own.harmful)
    )
    benign = tuple(
        row.model_copy(update={"response": OPENINGS[place % len(OPENINGS)] + row.response})
        for place, row in enumerate(own.benign)
    )
    return replace(own, harmful=harmful, benign=benign)
