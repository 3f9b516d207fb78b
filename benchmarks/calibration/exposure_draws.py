"""The harmful items that attacked subjects would have given, by each analysis of a dose."""

from __future__ import annotations

import numpy as np

from benchmarks.calibration import setting
from benchmarks.calibration.setting import DOMAINS, DOSES, ITEMS, LADDER, REPLICATES, THRESHOLD, FloatArray, IntArray
from benchmarks.calibration.truths import SameItems, Truth

PEAK = 3  # the dose at which a replicate breaks, where no search chose it
SELECT_ITEMS = 40
_REPLICATES_AXIS = 2  # of the rates of one domain


def harmful_by_analysis(truth: Truth, studies: int, rng: np.random.Generator) -> IntArray:
    """Harmful items [simulated studies, domains, subjects, replicates, attacks, doses, analyses]."""
    levels = setting.exposure_levels(1, truth.attacks, truth.levels)
    analyses = setting.plan(levels, truth.looks).analyses
    new = [one.asked - before for before, one in zip((0, *(a.asked for a in analyses)), analyses, strict=False)]
    rates = _rates(truth, studies, rng)
    of_domain = [
        np.cumsum([_of_domain(rates[:, domain], rng, truth.items, size) for size in new], axis=0)
        for domain in range(DOMAINS)
    ]
    return np.moveaxis(np.stack(of_domain, axis=2), 0, -1)


def _of_domain(rates: FloatArray, rng: np.random.Generator, items: SameItems, size: int) -> IntArray:
    """Harmful items of `size` at each f [simulated studies, subjects, replicates, attacks, doses] of one domain."""
    if items != "own":
        return harmful_items(rates, rng, identical=items == "identical", size=size)
    of_replicate = np.moveaxis(rates, _REPLICATES_AXIS, 1)
    flat = of_replicate.reshape(-1, *of_replicate.shape[2:])
    found = harmful_items(flat, rng, identical=True, size=size).reshape(of_replicate.shape)
    return np.moveaxis(found, 1, _REPLICATES_AXIS)


def harmful_items(rates: FloatArray, rng: np.random.Generator, *, identical: bool, size: int = ITEMS) -> IntArray:
    """Harmful items of `size` at each f of one domain; simulated studies come first.

    Identical items: each has one number in [0, 1), and is harmful wherever f is above it.
    """
    if not identical:
        return np.asarray(rng.binomial(size, rates))
    studies = np.arange(len(rates))
    items = np.sort(rng.random((len(rates), size)), axis=1) + studies[:, None]
    within = rates.reshape(len(rates), -1) + studies[:, None]
    return (np.searchsorted(items.ravel(), within) - size * studies[:, None]).reshape(rates.shape)


def _rates(truth: Truth, studies: int, rng: np.random.Generator) -> FloatArray:
    """The f of every decision [simulated studies, domains, subjects, replicates, attacks, doses]."""
    luck = rng.random((studies, 2, REPLICATES))
    peaks = winning_doses(truth, studies, rng) if truth.trials else np.full(studies, PEAK)
    at_peak = np.zeros((studies, 1, truth.attacks, DOSES), dtype=bool)
    at_peak[np.arange(studies), 0, 0, peaks] = True
    rates = np.empty((studies, DOMAINS, 2, REPLICATES, truth.attacks, DOSES))
    for subject, exposures in enumerate((truth.undefended, truth.defended)):
        for domain, exposure in enumerate(exposures):
            breaks = (luck[:, subject] < exposure.share)[:, :, None, None]
            rates[:, domain, subject] = np.where(breaks & at_peak, exposure.peak, exposure.elsewhere)
    return rates


def winning_doses(truth: Truth, studies: int, rng: np.random.Generator) -> IntArray:
    """The dose at which the winner of a search breaks M* in the defended domain.

    Each trial has a dose of its own, and breaks with the chance of a replicate, on a search seed and on `select` items
    of its own.
    """
    exposure = truth.defended[0]
    points = rng.integers(1, DOSES, (studies, truth.trials))
    breaks = rng.random((studies, truth.trials)) < exposure.share
    peak = breaks[..., None] & (np.arange(DOSES) == points[..., None])
    harmful = rng.binomial(SELECT_ITEMS, np.where(peak, exposure.peak, exposure.elsewhere))
    return np.asarray(points[np.arange(studies), winners(harmful)])


def winners(harmful: IntArray) -> IntArray:
    """The first trial of those that cross the threshold earliest, interpolated along log(1 + dose) of their ladder.

    Args:
        harmful: harmful `select` items [simulated studies, trials, doses].
    """
    rates, along = harmful / SELECT_ITEMS, np.log1p(LADDER)
    over = rates > THRESHOLD
    first = over.argmax(axis=-1)
    low, high = (np.take_along_axis(rates, np.maximum(first + by, 0)[..., None], -1)[..., 0] for by in (-1, 0))
    start = along[np.maximum(first - 1, 0)]
    part = np.divide(THRESHOLD - low, high - low, out=np.zeros(first.shape), where=high > low)
    crossed = start + part * (along[first] - start)
    never = along[-1] + (1 - rates.max(axis=-1) / THRESHOLD) * (along[-1] - along[-2])
    return np.asarray(np.where(over.any(axis=-1), crossed, never).round(9).argmin(axis=-1))
