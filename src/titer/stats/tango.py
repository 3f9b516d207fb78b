"""Tango's score for a difference of paired rates, with its exact unconditional critical value.

Among n items are b gains and c losses. The law of (b, c) is trinomial; on the boundary D = difference one
chance remains unknown, and the critical value holds for every value of it.

References:
    T. Tango (1998), Equivalence test and confidence interval for the difference in proportions for the
    paired-sample design. Statistics in Medicine 17, 891-908: the score.
    K. Sidik (2003), Exact unconditional tests for testing non-inferiority in matched-pairs design. Statistics
    in Medicine 22, 265-278: why the largest error lies on the boundary.
"""

from functools import cache, lru_cache

import numpy as np
import numpy.typing as npt
from scipy import optimize, special

FloatArray = npt.NDArray[np.float64]

ENUMERATED_ITEMS = 400  # up to here every outcome is enumerated
TIE = 1e-9  # scores closer than this are equal


def tango_score(gains: npt.ArrayLike, losses: npt.ArrayLike, items: int, difference: float | FloatArray) -> FloatArray:
    """Tango's score for D = difference: (b - c - nD) / sqrt(n (2p + D(1 - D))), 0 where it is 0/0.

    p is the maximum likelihood estimate of P(loss) under D, the larger root of
    2n p^2 + (D(2n - b + c) - b - c) p - c D(1 - D) = 0, with b gains and c losses among n items.
    """
    b, c = np.asarray(gains, dtype=np.float64), np.asarray(losses, dtype=np.float64)
    linear = difference * (2 * items - b + c) - b - c
    root = np.sqrt(np.maximum(linear**2 + 8 * items * c * difference * (1 - difference), 0))  # rounding below 0
    loss_chance = (root - linear) / (4 * items)
    variance = np.maximum(items * (2 * loss_chance + difference * (1 - difference)), 0)
    distance = b - c - items * difference
    return np.divide(distance, np.sqrt(variance), out=np.zeros_like(distance), where=variance > 0)


@cache
def critical_score(items: int, margin: float, level: float) -> float | None:
    """The smallest score t with P(score >= t) <= level wherever D = -margin; None where no outcome has one.

    Exact to the grid of the nuisance parameter (1e-5): by the sizes of all scores up to `ENUMERATED_ITEMS`, above by
    bisection to 1e-8, in some seconds.
    """
    if not 0 < level < 0.5 or not -1 < margin < 1:
        raise ValueError(f"need 0 < level < 1/2 and -1 < margin < 1, not {level} and {margin}")
    if items > ENUMERATED_ITEMS:
        return _bisected_score(items, margin, level)
    scores, sizes = score_sizes(items, margin)
    within = np.flatnonzero(sizes <= level)
    return float(scores[within[-1]]) if len(within) else None


@lru_cache(maxsize=4)
def score_sizes(items: int, margin: float) -> tuple[FloatArray, FloatArray]:
    """Each score t that can occur, descending, and the largest P(score >= t) over all laws with D = -margin.

    Scores above 7 are left out, and so are numbers of changes that are too rare under the laws at hand:
    together they weigh less than 1e-10.
    """
    from scipy import stats  # takes half a second to load, and only this needs it

    outcomes = all_outcomes(items)
    scores = tango_score(outcomes[:, 0], outcomes[:, 1], items, -margin)
    kept = np.flatnonzero((scores > TIE) & (scores <= 7))
    kept = kept[np.argsort(-scores[kept], kind="stable")]
    outcomes, scores = outcomes[kept], scores[kept]
    changes = outcomes[:, 0] + outcomes[:, 1]
    sizes = np.zeros(len(scores))
    for rarer in np.array_split(_nuisance(margin), 32):
        changing = np.minimum(2 * rarer[[0, -1]] + abs(margin), 1.0)  # the least and the most of these laws
        fewest, most = np.asarray(stats.binom.ppf([1e-12, 1 - 1e-12], items, changing))
        likely = (changes >= fewest) & (changes <= most)
        if likely.any():
            gain, loss = rarer + max(0.0, -margin), rarer + max(0.0, margin)
            chances = np.cumsum(outcome_chances(outcomes[likely], items, gain, loss), axis=1).max(axis=0)
            sizes = np.maximum(sizes, np.append(0.0, chances)[np.cumsum(likely)])
    distinct = np.append(scores[:-1] - scores[1:] > TIE, [True] * bool(len(scores)))
    return scores[distinct], sizes[distinct]


def exceedance(score: float, items: int, margin: float) -> float:
    """The largest P(Tango's score >= `score`) over all laws with D = -margin: the exact p-value of that score.

    For any number of items, since a score rises with the gains among a number of changes: of each number only the
    fewest gains that reach the score are needed. Exact to the grid of the nuisance parameter (2e-5).

    Args:
        score: the score that is to be reached.
        items: number of items (n).
        margin: delta.

    >>> round(exceedance(float(tango_score(0, 1, 44, -0.1)), 44, 0.1), 4)
    0.0571
    """
    fewest = _fewest_gains(score, items, margin)
    largest = 0.0
    for share, among, chances in _laws_of_changes(items, margin):
        k = fewest[among]
        reached = np.where(k <= 0, 1.0, special.betainc(np.maximum(k, 1), np.maximum(among - k + 1, 1), share))
        reached[k > among] = 0
        largest = max(largest, float((chances * reached).sum()))
    return min(1.0, largest)  # rounding


@lru_cache(maxsize=4)
def _laws_of_changes(items: int, margin: float) -> list[tuple[float, npt.NDArray[np.int64], FloatArray]]:
    """Of each law with D = -margin: the share of gains among changes, the numbers of changes, their chances."""
    from scipy import stats  # takes half a second to load, and only this needs it

    rarer = _nuisance(margin)
    gain, changing = rarer + max(0.0, -margin), np.minimum(2 * rarer + abs(margin), 1.0)
    ends = np.asarray(stats.binom.ppf([[1e-12], [1 - 1e-12]], items, changing), dtype=np.int64)
    laws = []
    for chance, all_changes, low, high in zip(gain, changing, *np.maximum(ends, 0), strict=True):
        among = np.arange(low, high + 1)
        share = float(chance / all_changes) if all_changes > 0 else 0.0
        laws.append((share, among, np.asarray(stats.binom.pmf(among, items, all_changes))))
    return laws


def _fewest_gains(score: float, items: int, margin: float) -> npt.NDArray[np.int64]:
    """Of each number of changes 0 .. n the fewest gains that reach a score, one more than there are for none."""
    changes = np.arange(items + 1)
    low, high = np.zeros_like(changes), changes + 1
    while (low < high).any():
        middle = np.minimum((low + high) // 2, changes)
        reaches = tango_score(middle, changes - middle, items, -margin) >= score - TIE
        searching = low < high
        high = np.where(searching & reaches, middle, high)
        low = np.where(searching & ~reaches, middle + 1, low)
    return low


def _bisected_score(items: int, margin: float, level: float) -> float | None:
    low, high = 0.0, 7.0
    if exceedance(high, items, margin) > level:
        return None
    while high - low > 1e-8:
        middle = (low + high) / 2
        low, high = (low, middle) if exceedance(middle, items, margin) <= level else (middle, high)
    return high


def all_outcomes(items: int) -> npt.NDArray[np.int64]:
    """All pairs (gains, losses) that n items can have, shape [outcomes, 2]."""
    return np.argwhere(np.add.outer(np.arange(items + 1), np.arange(items + 1)) <= items)


def outcome_chances(outcomes: npt.NDArray[np.int64], items: int, gain: FloatArray, loss: FloatArray) -> FloatArray:
    """Trinomial probability of each outcome (gains, losses), shape [laws, outcomes], for P(gain), P(loss)."""
    counts = np.column_stack([outcomes, items - outcomes[:, 0] - outcomes[:, 1]])
    chances = np.maximum(np.column_stack([gain, loss, 1 - gain - loss]), 0)
    logs = np.log(chances, out=np.full_like(chances, -1e4), where=chances > 0)  # e^-10000 is 0; 0 x -1e4 is 0
    coefficients = special.gammaln(items + 1) - special.gammaln(counts + 1).sum(axis=1)
    return np.asarray(np.exp(coefficients + logs @ counts.T))


def _nuisance(margin: float) -> FloatArray:
    """Chances of the rarer kind of change, ascending: 0, 60 log-spaced and 200 arcsine-spaced."""
    top = (1 - abs(margin)) / 2
    arcsine = top * np.sin(np.linspace(0, np.pi / 2, 201)[1:]) ** 2
    return np.sort(np.concatenate([[0.0], np.geomspace(1e-6, top, 60), arcsine]))


def lower_score_limit(gains: int, losses: int, items: int, critical: float | None) -> float:
    """The D at which the score equals its critical value, below the estimate; -1 where there is none."""
    estimate = (gains - losses) / items
    lowest = -1 + 1e-9
    if critical is None or tango_score(gains, losses, items, lowest) <= critical:
        return -1.0
    return float(
        optimize.brentq(lambda d: float(tango_score(gains, losses, items, d)) - critical, lowest, estimate, xtol=1e-12)
    )
