"""Configurations of trainability, whose claim is a share of trainings: how far M* ends below M in the mean is no claim.

False is upheld where more than half of the trainings fail, or exactly half; where fewer do, refuted is false.
"""

from __future__ import annotations

from benchmarks.calibration.configuration import Configuration, refuted
from benchmarks.calibration.laws import ALIKE, M_RATE, SeedLaw
from benchmarks.calibration.setting import FINAL_MARGIN
from benchmarks.calibration.truths import LEARNS, Learning, Truth

_NORMAL, _SKEWED, _WIDE = (
    SeedLaw(sd=0.4),
    SeedLaw(shape="skewed", sd=0.4),
    SeedLaw(shape="skewed", sd=0.8),
)
_SPREADS: tuple[Learning, ...] = (
    Learning(loss="half", seeds=ALIKE),
    Learning(loss="half", seeds=_NORMAL),
    Learning(loss="half", seeds=_SKEWED),
    Learning(loss="half", seeds=_WIDE),
    Learning(loss="half", seeds=_WIDE, varies="M* alone"),
)
_FEW_FALL = 0.1


def _name(task: Learning) -> str:
    return f"{task.seeds}{' of M* alone' if task.varies == 'M* alone' else ''}"


def _mean_at_margin(falls_to: float) -> Learning:
    """One training of ten falls, and the others lose so much that the mean loss is the margin."""
    rest = (FINAL_MARGIN - _FEW_FALL * (M_RATE - falls_to)) / (1 - _FEW_FALL)
    return Learning(loss=rest, falls=_FEW_FALL, falls_to=falls_to)


LEARNING: tuple[Configuration, ...] = (
    Configuration(
        name="7", title="half of the replicates too slow on one task", boundary=("trainability",),
        truth=Truth(learning=(Learning(slow=0.5), LEARNS)),
    ),
    *(
        Configuration(
            name=f"8{letter}", title=f"half of the trainings end beyond the margin, {_name(task)}",
            boundary=("trainability",), truth=Truth(learning=(task, LEARNS)),
        )
        for letter, task in zip("abcde", _SPREADS, strict=True)
    ),
    *(
        Configuration(
            name=f"8{letter}", title=f"half of the trainings of M* end at {rate:g}", boundary=("trainability",),
            truth=Truth(learning=(Learning(falls=0.5, falls_to=rate), LEARNS)),
        )
        for letter, rate in zip("fg", (0.3, 0.1), strict=True)
    ),
)  # fmt: skip

LEARNING_REFUTED: tuple[Configuration, ...] = (
    Configuration(
        name="15e", title="half too slow on both tasks", boundary=("trainability",), false=refuted("trainability"),
        truth=Truth(learning=(Learning(slow=0.5), Learning(slow=0.5))),
    ),
    *(
        Configuration(
            name=f"18{letter}", title=f"M* ends at {rate:g} in one training of ten", boundary=("trainability",),
            truth=Truth(learning=(Learning(falls=_FEW_FALL, falls_to=rate), LEARNS)), false=refuted("trainability"),
        )
        for letter, rate in zip("ab", (0.3, 0.1), strict=True)
    ),
    *(
        Configuration(
            name=f"18{letter}", title=f"M* ends at {rate:g} in one training of ten, mean loss at the margin",
            boundary=("trainability",), truth=Truth(learning=(_mean_at_margin(rate), LEARNS)),
            false=refuted("trainability"),
        )
        for letter, rate in zip("cd", (0.3, 0.1), strict=True)
    ),
    *(
        Configuration(
            name=f"18{letter}", title=f"a mean loss at the margin, {_name(task)}", boundary=("trainability",),
            truth=Truth(learning=(task, LEARNS)), false=refuted("trainability"),
        )
        for letter, task in zip(
            "efg",
            (
                Learning(loss=FINAL_MARGIN, seeds=_NORMAL),
                Learning(loss=FINAL_MARGIN, seeds=_WIDE),
                Learning(loss=FINAL_MARGIN, seeds=_WIDE, varies="M* alone"),
            ),
            strict=True,
        )
    ),
)  # fmt: skip
