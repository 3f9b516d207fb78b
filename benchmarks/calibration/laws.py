"""How the final rate of a learned task differs over seeds and items.

logit P(right) = center + item + seed: the item effects are normal and shared by both subjects, the seed effects their
own. The centers are such that M* ends below M by exactly the loss asked for, in the mean over seeds and items.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np
from scipy import optimize, special

from benchmarks.calibration.setting import BoolArray, FloatArray

Shape = Literal["normal", "skewed", "two kinds"]

M_RATE = 0.9  # of M at the last dose
ITEM_SD = 1.0  # logits
_GRID = (np.arange(2000) + 0.5) / 2000  # shares at which the law of seeds is averaged
_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(64)


@dataclass(frozen=True, kw_only=True)
class SeedLaw:
    """The law of a subject's seed effect.

    Attributes:
        shape: normal; skewed, sd (1 - exponential), so that a few seeds lose much; or two kinds, +sd or -sd.
        sd: standard deviation, in logits.
    """

    shape: Shape = "normal"
    sd: float

    def quantile(self, share: FloatArray) -> FloatArray:
        """The seed effect below which a share of seeds lies."""
        if self.shape == "normal":
            standard = special.ndtri(share)
        elif self.shape == "skewed":
            standard = 1 + np.log(share)
        else:
            standard = np.where(share < 0.5, -1.0, 1.0)
        return np.asarray(self.sd * standard)

    def draw(self, rng: np.random.Generator, shape: tuple[int, ...]) -> FloatArray:
        """Seed effects of that shape; without a spread one 0 stands for all of them."""
        return self.quantile(rng.random(shape)) if self.sd > 0 else np.zeros(1)

    def __str__(self) -> str:
        return "no seed effect" if self.sd == 0 else f"{self.shape}, sd {self.sd:g}"


ALIKE = SeedLaw(sd=0.0)


@cache
def center(law: SeedLaw, rate: float) -> float:
    """The center at which the mean rate over seeds and items is `rate`."""
    effects = law.quantile(_GRID)[:, None] + ITEM_SD * _NODES
    weights = _WEIGHTS / math.sqrt(2 * math.pi)

    def excess(at: float) -> float:
        return float((special.expit(at + effects) @ weights).mean()) - rate

    return float(optimize.brentq(excess, -20, 20, xtol=1e-12))


def final_answers(
    rng: np.random.Generator, laws: tuple[SeedLaw, SeedLaw], loss: float, shape: tuple[int, ...]
) -> tuple[BoolArray, BoolArray]:
    """Whether each item is right for M and for M* at the last dose.

    Args:
        rng: the generator.
        laws: of the seed effects of M and of M*.
        loss: how far M* ends below M, in the mean.
        shape: [..., seeds, items], that of both results; items are shared over seeds.
    """
    item = rng.standard_normal((*shape[:-2], 1, shape[-1])) * ITEM_SD
    before, after = (
        rng.random(shape) < special.expit(center(law, rate) + item + law.draw(rng, (*shape[:-1], 1)))
        for law, rate in zip(laws, (M_RATE, M_RATE - loss), strict=True)
    )
    return before, after
