"""No dose of an assay is there twice: of two readings of one thing neither may win by its place."""

from __future__ import annotations

from typing import Any

from titer.analysis.findings import Assay, Curve
from titer.errors import DamagedError


def check_distinct(assay: Assay) -> None:
    """Refuse an assay in which two curves have one key, or a curve one dose twice.

    Raises:
        DamagedError: naming the first that is there twice.
    """
    seen: set[tuple[Any, ...]] = set()
    for curve in assay.curves:
        key = curve_key(curve)
        if key in seen:
            raise DamagedError(f"two curves are of one key: {', '.join(str(part) for part in key if part is not None)}")
        seen.add(key)
        doses = [point.facts.dose for point in curve.points]
        twice = next((dose for dose in doses if doses.count(dose) > 1), None)
        if twice is not None:
            what = f"{curve.purpose}, {curve.subject}, {curve.attack}, seed {curve.index}"
            raise DamagedError(f"dose {twice} was read twice in {what}")


def curve_key(curve: Curve) -> tuple[Any, ...]:
    """What tells one curve of an assay from all others."""
    place = curve.domain if curve.domain is not None else curve.task
    return (curve.purpose, curve.subject, place, curve.attack, curve.index, curve.trial)
