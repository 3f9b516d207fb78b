"""How the final rate of a learned task differs over seeds, on an evaluation set that is fixed.

logit P(right) = center + item + seed: the item effects are the quantiles of a normal law, shared by both subjects and
by all studies; the seed effects are each subject's own. Centers are such that M* ends below M by exactly the loss asked
for in the mean, or such that exactly half of the pairs of trainings end beyond the margin.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np
from scipy import optimize, special

from benchmarks.calibration.setting import FINAL_MARGIN, LEARNED_ITEMS, BoolArray, FloatArray

Shape = Literal["normal", "skewed", "two kinds"]

M_RATE = 0.9  # of M at the last dose
ITEM_SD = 1.0  # logits
ITEM_EFFECTS = ITEM_SD * special.ndtri((np.arange(LEARNED_ITEMS) + 0.5) / LEARNED_ITEMS)
_GRID = (np.arange(400) + 0.5) / 400  # shares at which the law of seeds is averaged


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
        return self.quantile(rng.random(shape)) if self.sd > 0 else np.zeros((1,) * len(shape))

    @property
    def spread(self) -> FloatArray:
        """The effects of equally likely seeds, one where all are alike."""
        return self.quantile(_GRID) if self.sd > 0 else np.zeros(1)

    def __str__(self) -> str:
        return "no seed effect" if self.sd == 0 else f"{self.shape}, sd {self.sd:g}"


ALIKE = SeedLaw(sd=0.0)


@cache
def center(law: SeedLaw, rate: float) -> float:
    """The center at which the mean rate over seeds and items is `rate`."""
    effects = law.spread[:, None] + ITEM_EFFECTS
    return float(optimize.brentq(lambda at: float(special.expit(at + effects).mean()) - rate, -20, 20, xtol=1e-12))


def count_law(law: SeedLaw, at: float) -> FloatArray:
    """The chances of 0, 1, ... right items at the last dose, over seeds."""
    chances = special.expit(at + law.spread[:, None] + ITEM_EFFECTS)
    of_count = np.zeros((len(chances), LEARNED_ITEMS + 1))
    of_count[:, 0] = 1
    for right in chances.T[:, :, None]:
        of_count[:, 1:] = of_count[:, 1:] * (1 - right) + of_count[:, :-1] * right
        of_count[:, :1] *= 1 - right
    return np.asarray(of_count.mean(axis=0))


def share_beyond(laws: tuple[SeedLaw, SeedLaw], defended: float) -> float:
    """The chance that a training of M*, with that center, ends beyond the margin below M's of the same seed index."""
    before, after = count_law(laws[0], center(laws[0], M_RATE)), count_law(laws[1], defended)
    lost = np.convolve(before, after[::-1])  # from -LEARNED_ITEMS to LEARNED_ITEMS
    return float(lost[LEARNED_ITEMS + most_lost() + 1 :].sum())


@cache
def center_at_half(laws: tuple[SeedLaw, SeedLaw]) -> float:
    """M*'s center at which exactly half of the trainings end beyond the margin."""
    return float(optimize.brentq(lambda at: share_beyond(laws, at) - 0.5, -4, 6, xtol=1e-10))


def most_lost() -> int:
    """The most items by which M* may end below M: the largest whole number within the margin."""
    return int(FINAL_MARGIN * LEARNED_ITEMS * (1 + 1e-12))


def final_answers(rng: np.random.Generator, law: SeedLaw, at: float, shape: tuple[int, ...]) -> BoolArray:
    """Whether each item of the evaluation set is right at the last dose, in an array of shape [..., seeds, items]."""
    effects = law.draw(rng, (*shape[:-1], 1)).astype(np.float32)
    chances = special.expit((at + ITEM_EFFECTS).astype(np.float32) + effects)
    return np.asarray(rng.random(shape, dtype=np.float32) < chances)
