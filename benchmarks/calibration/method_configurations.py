"""Configurations of stability of a method, whose claim is a share of the subjects that it makes."""

from __future__ import annotations

from benchmarks.calibration.configuration import Configuration, refuted
from benchmarks.calibration.truths import KEPT, Change, Truth
from titer.stats.replicates import Items


def _some(share: float, lost: float, gained: float = 0.0) -> Truth:
    """A share of the subjects made is changed so on one task, and the others keep what M can do."""
    return Truth(method=True, stability=(Change(lost=lost, gained=gained, share=share), KEPT, KEPT, KEPT))


def _rest_at_margin(lost: float, gained: float, items: Items = "shared") -> Truth:
    """Half of the subjects lose 0.5 of every task, and the others are exactly at the margin."""
    change = Change(lost=0.5, gained=0.0, share=0.5, rest_lost=lost, rest_gained=gained)
    return Truth(method=True, stability=(change,) * 4, items="own" if items == "own" else "identical", levels=items)


METHOD: tuple[Configuration, ...] = (
    Configuration(
        name="19a", title="method: half of the defense seeds lose 0.5 of a task", boundary=("stability",),
        truth=_some(0.5, 0.5),
    ),
    Configuration(
        name="19b", title="method: half lose 0.25 of a task", boundary=("stability",), truth=_some(0.5, 0.25),
    ),
    Configuration(
        name="19c", title="method: half exactly at the margin, few items change, the same for all of them",
        boundary=("stability",), truth=_some(0.5, 0.05),
    ),
    Configuration(
        name="19d", title="method: half exactly at the margin, many items change, the same for all of them",
        boundary=("stability",), truth=_some(0.5, 0.175, 0.125),
    ),
    Configuration(
        name="19e", title="method: half exactly at the margin, many items change, others for each of them",
        boundary=("stability",),
        truth=Truth(
            method=True, items="independent",
            stability=(Change(lost=0.175, gained=0.125, share=0.5), KEPT, KEPT, KEPT),
        ),
    ),
    Configuration(
        name="19f", title="method: half exactly at the margin, many items change, items of their own at their level",
        boundary=("stability",),
        truth=Truth(
            method=True, items="own", levels="own",
            stability=(Change(lost=0.175, gained=0.125, share=0.5), KEPT, KEPT, KEPT),
        ),
    ),
)  # fmt: skip

METHOD_REFUTED: tuple[Configuration, ...] = (
    Configuration(
        name="20a", title="method: one defense seed of ten loses 0.5 of a task", boundary=("stability",),
        truth=_some(0.1, 0.5), false=refuted("stability"),
    ),
    Configuration(
        name="20b", title="method: one of five loses 0.25 of a task", boundary=("stability",), truth=_some(0.2, 0.25),
        false=refuted("stability"),
    ),
    Configuration(
        name="20c", title="method: half lose 0.5 of every task, the others are at the margin, few items change",
        boundary=("stability",), truth=_rest_at_margin(0.05, 0.0), false=refuted("stability"),
    ),
    Configuration(
        name="20d", title="the same, many items change", boundary=("stability",),
        truth=_rest_at_margin(0.175, 0.125), false=refuted("stability"),
    ),
    Configuration(
        name="20e", title="the same, items of their own at their level", boundary=("stability",),
        truth=_rest_at_margin(0.175, 0.125, "own"), false=refuted("stability"),
    ),
)  # fmt: skip
