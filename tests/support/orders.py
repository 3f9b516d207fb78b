"""The order in which rows were trained on, as it is compared: a pack has salted digests where a study has digests."""

from __future__ import annotations

from titer.analysis.findings import Assay


def orders(assay: Assay) -> list[int | None]:
    """The order of the rows at each dose, as a number: equal for equal orders."""
    numbers: dict[str, int] = {}
    found = [point.facts.order for curve in assay.curves for point in curve.points]
    return [None if order is None else numbers.setdefault(order, len(numbers)) for order in found]


def without_orders(assay: Assay) -> Assay:
    """All of an assay else."""
    curves = [
        curve.model_copy(
            update={
                "points": tuple(
                    point.model_copy(update={"facts": point.facts.model_copy(update={"order": None})})
                    for point in curve.points
                )
            }
        )
        for curve in assay.curves
    ]
    return assay.model_copy(update={"curves": tuple(curves)})
