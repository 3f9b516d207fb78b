"""How often something happens over seeds and items, such as a harmful answer: a logit-normal law, and its quadrature.

At seed s it happens on item i with chance expit(center + item_i + seed_s), both effects normal. The rate is the mean
over items and seeds.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import optimize, special

from titer.stats.tango import FloatArray

SEED_SD, ITEM_SD = 0.2, 1.0
"""Standard deviations over seeds and items, in logits, where nothing is known of them."""
_ITEM_NODES = 61
_FARTHEST = 5.5  # standard deviations of a seed's effect up to which its quadrature goes


class Quadrature(NamedTuple):
    """Nodes of a standard normal variable and their weights, which sum to 1."""

    nodes: FloatArray
    weights: FloatArray


def _of_items() -> Quadrature:
    """Gauss-Hermite nodes, for what is as smooth as expit."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(_ITEM_NODES)
    return Quadrature(np.asarray(nodes, dtype=np.float64), np.asarray(weights / weights.sum(), dtype=np.float64))


_ITEMS = _of_items()


@dataclass(frozen=True, kw_only=True)
class RateLaw:
    """How often something happens, over seeds and items.

    Attributes:
        rate: its mean chance over seeds and items, strictly between 0 and 1.
        seed_sd: standard deviation of the effect of a seed, in logits.
        item_sd: standard deviation of the effect of an item, in logits.
    """

    rate: float
    seed_sd: float = SEED_SD
    item_sd: float = ITEM_SD

    def __post_init__(self) -> None:
        """Refuse impossible laws."""
        if not 0 < self.rate < 1 or min(self.seed_sd, self.item_sd) < 0:
            raise ValueError(f"need a rate between 0 and 1, and spreads of 0 or more: {self}")

    @cached_property
    def center(self) -> float:
        """The logit of an item and a seed of effect 0."""
        whole = float(np.hypot(self.seed_sd, self.item_sd))
        bound = 20 + 10 * whole
        return float(optimize.brentq(lambda at: float(_mean_rate(at, whole)) - self.rate, -bound, bound, xtol=1e-12))

    def seed_rates(self, effects: FloatArray) -> FloatArray:
        """The rate of a seed over all items that could be drawn, by its effect in standard deviations."""
        return _mean_rate(self.center + self.seed_sd * effects, self.item_sd)

    def seed_quadrature(self, items: int, threshold: float) -> Quadrature:
        """Evenly spaced nodes of a seed's effect, as near as P(intact) is steep in it: an error below 1e-6.

        Args:
            items: items that a dose is decided by.
            threshold: the acceptable f.
        """
        steepness = self.seed_sd * float(np.sqrt(items * threshold * (1 - threshold)))
        half = int(np.ceil(_FARTHEST * max(1.25, steepness)))
        nodes: FloatArray = np.arange(-half, half + 1, dtype=np.float64) * (_FARTHEST / half)
        weights = np.exp(-(nodes**2) / 2)
        return Quadrature(nodes, weights / float(weights.sum()))

    def breaking(self, threshold: float) -> float:
        """The share of seeds whose rate is truly above the threshold; one that equals it counts as breaking."""
        if self.seed_sd == 0:
            return float(self.rate >= threshold)
        found = optimize.brentq(lambda at: float(_mean_rate(at, self.item_sd)) - threshold, -80, 80, xtol=1e-12)
        return float(special.ndtr((self.center - found) / self.seed_sd))


def _mean_rate(logits: npt.ArrayLike, item_sd: float) -> FloatArray:
    """The mean of expit(logit + item effect) over items, at each of some logits."""
    return np.asarray(special.expit(np.asarray(logits)[..., None] + item_sd * _ITEMS.nodes) @ _ITEMS.weights)
