"""What a configuration is: a truth, and the outcomes that are false of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from benchmarks.calibration.setting import ALPHA, Part
from benchmarks.calibration.truths import Truth

Outcome = Literal["upheld", "refuted"]


@dataclass(frozen=True, kw_only=True)
class Falsehood:
    """An outcome that is false of a part, and the largest chance it may have."""

    part: Part
    outcome: Outcome
    limit: float = ALPHA


FALSE_UPHELD = (Falsehood(part="verdict", outcome="upheld"),)


@dataclass(frozen=True, kw_only=True)
class Configuration:
    """One truth, and what would be false to say of it.

    Attributes:
        name: its number.
        title: what is true of it, in a few words.
        truth: the subjects.
        boundary: the parts that are not true by a wide margin.
        false: the outcomes that are false, or just so.
    """

    name: str
    title: str
    truth: Truth
    boundary: tuple[Part, ...]
    false: tuple[Falsehood, ...] = FALSE_UPHELD


def refuted(*parts: Part) -> tuple[Falsehood, ...]:
    """That it is false to call these parts refuted."""
    return tuple(Falsehood(part=part, outcome="refuted") for part in parts)
