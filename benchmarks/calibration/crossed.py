"""The crossed t of many studies at a time: `titer.stats.noninferiority.compare_crossed`, with numpy over replicates.

titer compares one matrix of seeds x items at a time, which is what a study has. Here the differences are -1, 0 or 1,
so that every sum is an exact integer.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from benchmarks.calibration.setting import BoolArray, FloatArray


@dataclass(frozen=True, kw_only=True)
class Crossed:
    """Mean differences with their standard errors and degrees of freedom, one per simulated study (and task)."""

    estimate: FloatArray
    error: FloatArray
    degrees: FloatArray

    def noninferior(self, margin: float, level: float) -> BoolArray:
        """Where D > -margin is shown."""
        return np.asarray(self.estimate - self._width(level) > -margin)

    def inferior(self, margin: float, level: float) -> BoolArray:
        """Where D < -margin is shown."""
        return np.asarray(self.estimate + self._width(level) < -margin)

    def _width(self, level: float) -> FloatArray:
        return np.asarray(-special.stdtrit(self.degrees, level) * self.error)


def crossed(after: BoolArray, before: BoolArray, degrees: int | None = None) -> Crossed:
    """Compare right answers of shape [..., seeds, items]; either may have one seed, which then stands for all.

    Args:
        after: of M*, or of M when it has learned.
        before: of M, or of M before it learns.
        degrees: of freedom, instead of Satterthwaite's.
    """
    d = after.astype(np.int8) - before.astype(np.int8)
    seeds, items = d.shape[-2:]
    of_item, of_seed = d.sum(axis=-2, dtype=np.int64), d.sum(axis=-1, dtype=np.int64)
    whole, squares = of_seed.sum(axis=-1), np.count_nonzero(d, axis=(-2, -1))
    from_items = _mean_square(items * (of_item**2).sum(axis=-1) - whole**2, items - 1)
    from_seeds = _mean_square(seeds * (of_seed**2).sum(axis=-1) - whole**2, seeds - 1)
    left = seeds * items * squares - items * (of_item**2).sum(axis=-1) - seeds * (of_seed**2).sum(axis=-1) + whole**2
    residual = _mean_square(left, (items - 1) * (seeds - 1))
    total = from_items + from_seeds - residual
    spread = from_items**2 / (items - 1) + from_seeds**2 / (seeds - 1) + residual**2 / ((items - 1) * (seeds - 1))
    satterthwaite = np.divide(total**2, spread, out=np.zeros_like(total), where=spread > 0)
    own = np.minimum(np.maximum(satterthwaite, seeds - 1), items - 1)
    largest = np.maximum(total, np.maximum(from_items, from_seeds))
    return Crossed(
        estimate=np.asarray(whole / (seeds * items)),
        error=np.sqrt(np.maximum(largest / (seeds * items) ** 2, 1 / items**2)),
        degrees=own if degrees is None else np.full_like(own, degrees),
    )


def _mean_square(sum_of_squares: npt.NDArray[np.int64], degrees: int) -> FloatArray:
    """A mean square, times the number of differences."""
    return np.asarray(sum_of_squares / degrees, dtype=np.float64)
