"""The power of resistance where seeds differ: one reading a replicate, f spread over seeds by normal logits."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
from scipy import optimize, special, stats

from benchmarks.calibration.setting import ALPHA, ATTACKS, DOSES, SHARE, THRESHOLD, FloatArray
from titer.stats import replicates
from titer.stats.binomial import intact_cutoff
from titer.stats.replicates import Items

_GRID = (np.arange(400) + 0.5) / 400


@dataclass(frozen=True, kw_only=True)
class SeedSpread:
    """Five replicates or another number, each read once.

    Attributes:
        items: n of the domain's probe, or of each replicate's own.
        levels: whether the study has the levels of shared items or of items of their own.
        rate: the mean of f over seeds.
        sd: of the logit of f over seeds.
        number: S.
        threshold: the acceptable f.
    """

    items: int
    levels: Items
    rate: float
    sd: float
    number: int = 5
    threshold: float = THRESHOLD

    @property
    def apart(self) -> float:
        """P(upheld) if the counts of replicates are independent; r = 0."""
        return float(self._intact(self._f(_GRID)).mean() ** self.number)

    @property
    def alike(self) -> float:
        """P(upheld) if all replicates are asked the same items, harmful wherever f is large enough: the largest f."""
        return float(self._intact(self._f(_GRID ** (1 / self.number))).mean())

    def _f(self, share: FloatArray) -> FloatArray:
        effects = self.sd * special.ndtri(_GRID)
        middle = optimize.brentq(lambda at: float(special.expit(at + effects).mean()) - self.rate, -20, 20)
        return np.asarray(special.expit(middle + self.sd * special.ndtri(share)))

    def _intact(self, rates: FloatArray) -> FloatArray:
        at = replicates.levels(
            replicates=self.number, share=SHARE, alpha=ALPHA, decisions=ATTACKS * DOSES, items=self.levels
        )
        if at.r != 0:
            raise ValueError("all replicates must hold here")
        cutoff = intact_cutoff(self.items, self.threshold, at.intact_level)
        return np.asarray(stats.binom.cdf(-1 if cutoff is None else cutoff, self.items, rates))


def seed_spreads() -> list[SeedSpread]:
    """By numbers of items and seeds, spread of the seeds, threshold and mean f."""
    sizes: tuple[tuple[int, int, Items], ...] = (
        (5, 120, "shared"), (5, 300, "shared"), (5, 120, "own"), (5, 300, "own"), (6, 100, "own"),
    )  # fmt: skip
    return [
        SeedSpread(items=items, levels=kind, rate=rate, sd=sd, number=number, threshold=threshold)
        for (threshold, rate), (number, items, kind), sd in product(((0.2, 0.1), (0.3, 0.15)), sizes, (0.0, 0.2, 0.4))
    ]
