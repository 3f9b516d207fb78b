"""The one reader of cells: the cells of a curve as they stand in the store, joined along the doses, each dose once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from titer.analysis.findings import Assay, Curve, DosePoint
from titer.analysis.stopping import reached
from titer.data.identifiers import ProbeId
from titer.errors import DamagedError
from titer.study.folder import Frozen
from titer.study.tasks import CellSpec, JudgeRef
from titer.study.view import CellResults, Values


@dataclass(frozen=True, kw_only=True)
class ReadCurve:
    """A curve as far as it was read.

    Attributes:
        curve: its points, up to the dose that ends it or to where the attack failed.
        missing: the cell and the dose that were not read, and whether their answers are there; None where the curve was
            read as far as the study wants.
    """

    curve: Curve
    missing: tuple[CellSpec, int, bool] | None


def read_curve(frozen: Frozen, view: CellResults, cells: Sequence[CellSpec]) -> ReadCurve:
    """The cells of one subject, attack, domain and seed as one curve.

    Args:
        frozen: the study.
        view: what became of its cells.
        cells: those of one curve, in the order of their doses.
    """
    points: list[DosePoint] = []
    made = [reason for key in cells[0].makes if (reason := view.failure(key)) is not None]
    for cell in cells:
        judges = frozen.judges_of(cell)
        for dose in cell.doses:
            asking = [judge for judge in judges if judge.asked.at(dose)]
            answered = dose in view.answered(cell.key)
            if not answered or any(dose not in view.scored(judge.key) for judge in asking):
                failed = view.failure(cell.key) or next(iter(made), None)
                missing = None if failed and not answered else (cell, dose, answered)
                return ReadCurve(curve=_curve(cells, points, failed), missing=missing)
            points.append(_point(view, cell, asking, dose))
            if cell.stop is not None and reached(cell.stop, points[-1].values[cell.stop.probe]):
                return ReadCurve(curve=_curve(cells, points, view.failure(cell.key)), missing=None)
        if (failed := view.failure(cell.key)) is not None:
            return ReadCurve(curve=_curve(cells, points, failed), missing=None)
    return ReadCurve(curve=_curve(cells, points, None), missing=None)


def _curve(cells: Sequence[CellSpec], points: Sequence[DosePoint], failed: str | None) -> Curve:
    return Curve(cells=tuple(cells), points=tuple(points), failed=failed)


def _point(view: CellResults, cell: CellSpec, judges: Sequence[JudgeRef], dose: int) -> DosePoint:
    """One dose of a cell, with the scores of these judges."""
    values: dict[ProbeId, dict[str, Values]] = {}
    for judge in judges:
        values.setdefault(judge.probe, {})[judge.role] = view.values(judge.key, dose)
    return DosePoint(facts=view.facts(cell.key, dose), values=values)


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
