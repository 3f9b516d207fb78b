"""Coverage of the limits of the titer, and of the ratio of two titers, simulated with real decisions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from benchmarks.calibration import setting
from benchmarks.calibration.exposure_draws import harmful_items
from benchmarks.calibration.setting import ALPHA, ATTACKS, SHARE, THRESHOLD, FloatArray, IntArray, chunks, generator
from benchmarks.calibration.truths import ABOVE, BELOW, CALM, CLEAR
from benchmarks.calibration.verdicts import cut
from titer.stats import interval_censoring
from titer.stats.replicates import Levels
from titer.stats.replicates import levels as levels_of

DOSES = (0, 1, 2, 4, 8, 16, 32, 64, 128, 256)
_EARLY, _LATE = 4, 7  # the doses at which replicates break
_SLOPE = 2.0  # of logit f, per doubling of the dose
_MEDIAN = 3.3  # log2 of M's median titer


@dataclass(frozen=True, kw_only=True)
class Missed:
    """How often each limit was on the wrong side of the truth."""

    title: str
    studies: int
    lower: int
    upper: int
    limit: float

    @property
    def passes(self) -> bool:
        """Whether neither limit misses more often than stated, within simulation error."""
        return max(self.lower, self.upper) <= cut(self.studies, self.limit)


@dataclass(frozen=True, kw_only=True)
class TiterSetting:
    """A share of exactly q of the replicates breaks early, the others late; limits of the q-quantile are read."""

    replicates: int
    share: float
    identical: bool

    def __str__(self) -> str:
        return f"S = {self.replicates}, q = {self.share:g}, {'identical' if self.identical else 'independent'} items"


@dataclass(frozen=True, kw_only=True)
class RatioSetting:
    """Log-normal titers of M and M*, logistic f.

    Attributes:
        ratio: of the medians, and the median of the ratio.
        sd: of log2 titer over replicates, in doses.
        correlation: of the two log titers of a pair.
        identical: whether the items are the same throughout.
    """

    ratio: float
    sd: float
    correlation: float
    identical: bool

    def __str__(self) -> str:
        items = "identical" if self.identical else "independent"
        return f"ratio {self.ratio:g}, sd {self.sd:g}, correlation {self.correlation:g}, {items} items"


TITERS = tuple(
    TiterSetting(replicates=number, share=share, identical=identical)
    for number, share in ((5, 1 / 2), (10, 1 / 2), (13, 1 / 4), (33, 1 / 10))
    for identical in (True, False)
)
RATIOS = tuple(
    RatioSetting(ratio=ratio, sd=sd, correlation=correlation, identical=identical)
    for ratio, sd, correlation in ((1.0, 0.7, 0.0), (4.0, 0.2, 0.5), (16.0, 0.7, 0.0))
    for identical in (True, False)
)


def titer_limits(at: TiterSetting, studies: int) -> Missed:
    """Misses of both limits, each where a miss is likeliest.

    Lower: early replicates just break, once, and recover. Upper: f is just below the threshold until a replicate
        breaks.
    """
    levels = levels_of(replicates=at.replicates, share=at.share, alpha=ALPHA, decisions=ATTACKS * len(DOSES))
    lower = upper = 0
    for number, size in enumerate(chunks(studies)):
        rng = generator("titers", str(at), number)
        early = rng.random((size, at.replicates, 1, 1)) < at.share
        point, first = np.arange(len(DOSES)), (np.arange(ATTACKS) == 0)[:, None]
        late = np.where(point >= _LATE, CLEAR, CALM)
        dips = np.where(early & first & (point == _EARLY), ABOVE, late)
        jumps = np.where((early & (point >= _EARLY)) | (point >= _LATE), CLEAR, BELOW) * np.ones((ATTACKS, 1))
        low, _ = quantile_limits(harmful_items(dips, rng, identical=at.identical), levels)
        _, high = quantile_limits(harmful_items(jumps, rng, identical=at.identical), levels)
        lower += int((low >= DOSES[_EARLY]).sum())
        upper += int((high < DOSES[_LATE]).sum())
    return Missed(title=str(at), studies=studies, lower=lower, upper=upper, limit=ALPHA)


def ratio_limits(at: RatioSetting, studies: int) -> Missed:
    """Misses of the limits of the median ratio, each of which may miss with `ratio_error`."""
    levels = levels_of(replicates=setting.REPLICATES, share=SHARE, alpha=ALPHA, decisions=len(DOSES))
    lower = upper = 0
    for number, size in enumerate(chunks(studies)):
        rng = generator("ratios", str(at), number)
        rates = _logistic(_log_titers(at, size, rng))
        low, high = _ratio_limits(rates, levels, rng, identical=at.identical)
        lower += int((low >= at.ratio).sum())
        upper += int((high < at.ratio).sum())
    return Missed(title=str(at), studies=studies, lower=lower, upper=upper, limit=_ratio_error(levels))


def ratio_limits_at_the_edge(studies: int, *, identical: bool) -> Missed:
    """Misses of the limits of the median ratio where half of the pairs lie just beyond it.

    M breaks between 4 and 8. Lower: half of the replicates of M* just break, once, at 32, so that the median ratio is
    at most 4. Upper: just less than half break at 32, the rest is just below the threshold up to 256, so that it is
    above 8.
    """
    levels = levels_of(replicates=setting.REPLICATES, share=SHARE, alpha=ALPHA, decisions=len(DOSES))
    items = "identical" if identical else "independent"
    lower = upper = 0
    for number, size in enumerate(chunks(studies)):
        rng = generator("ratios at the edge", items, number)
        doses, early = np.array(DOSES), rng.random((size, setting.REPLICATES, 1)) < SHARE
        of_m = np.broadcast_to(np.where(doses >= 8, CLEAR, CALM), (size, setting.REPLICATES, len(DOSES)))
        dips = np.where(early & (doses == 32), ABOVE, np.where(doses >= 256, CLEAR, CALM))
        jumps = np.where((early & (doses >= 32)) | (doses >= 256), CLEAR, BELOW)
        low, _ = _ratio_limits(np.stack([of_m, dips], axis=1), levels, rng, identical=identical)
        _, high = _ratio_limits(np.stack([of_m, jumps], axis=1), levels, rng, identical=identical)
        lower += int((low >= 4).sum())
        upper += int((high <= 8).sum())
    title = f"half of the pairs just beyond the median, {items} items"
    return Missed(title=title, studies=studies, lower=lower, upper=upper, limit=_ratio_error(levels))


def _ratio_limits(
    rates: FloatArray, levels: Levels, rng: np.random.Generator, *, identical: bool
) -> tuple[FloatArray, FloatArray]:
    """The limits of the median ratio where f is `rates` [simulated studies, subjects, replicates, doses]."""
    low, high = ratios(*replicate_titers(harmful_items(rates, rng, identical=identical)[..., None, :], levels))
    return np.sort(low, axis=1)[:, levels.r or 0], np.sort(high, axis=1)[:, -1 - (levels.r_fail or 0)]


def _ratio_error(levels: Levels) -> float:
    error = interval_censoring.ratio_error(levels)
    if error is None:
        raise ValueError(f"{levels.replicates} pairs decide nothing")
    return error


def quantile_limits(harmful: IntArray, levels: Levels) -> tuple[FloatArray, FloatArray]:
    """The quantile limits of harmful items [simulated studies, replicates, attacks, doses]; no upper end: infinity."""
    low, high = replicate_titers(harmful, levels)
    return np.sort(low, axis=1)[:, levels.r or 0], np.sort(high, axis=1)[:, -1 - (levels.r_fail or 0)]


def replicate_titers(harmful: IntArray, levels: Levels) -> tuple[FloatArray, FloatArray]:
    """Both ends of the titer of each replicate, the smallest over its attacks [..., attacks, doses]."""
    intact, broken = setting.cutoffs(levels)
    doses = np.array([*DOSES, np.inf])
    unbroken = np.cumprod(harmful <= intact, axis=-1).sum(axis=-1)
    breaks = harmful >= broken
    first = np.where(breaks.any(axis=-1), breaks.argmax(axis=-1), len(DOSES))
    return doses[np.maximum(unbroken - 1, 0)].min(axis=-1), doses[first].min(axis=-1)


def ratios(low: FloatArray, high: FloatArray) -> tuple[FloatArray, FloatArray]:
    """`titers.ratio` of titers [simulated studies, subjects, replicates], M first."""
    known = (low[:, 0] > 0) & np.isfinite(high[:, 1])
    lower = np.divide(low[:, 1], high[:, 0], out=np.zeros_like(low[:, 0]), where=high[:, 0] > 0)
    upper = np.divide(high[:, 1], low[:, 0], out=np.full_like(low[:, 0], np.inf), where=known)
    return lower, upper


def _log_titers(at: RatioSetting, studies: int, rng: np.random.Generator) -> FloatArray:
    """log2 titers [simulated studies, subjects, replicates]."""
    shared, own = (
        rng.standard_normal((studies, 1, setting.REPLICATES)),
        rng.standard_normal((studies, 2, setting.REPLICATES)),
    )
    effect = np.sqrt(at.correlation) * shared + np.sqrt(1 - at.correlation) * own
    centers = np.array([_MEDIAN, _MEDIAN + np.log2(at.ratio)])
    return np.asarray(centers[:, None] + at.sd * effect)


def _logistic(log_titers: FloatArray) -> FloatArray:
    """The f of every dose; it is 0 at dose 0, and the threshold at the titer."""
    steps = np.log2(DOSES[1:]) - log_titers[..., None]
    later = special.expit(special.logit(THRESHOLD) + _SLOPE * steps)
    return np.concatenate([np.zeros_like(later[..., :1]), later], axis=-1)
