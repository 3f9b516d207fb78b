"""P(upheld) and P(refuted) of the verdict of S replicates, before anything is run.

One dose of one attack in one domain decides: the last one up to the budget. Every other dose is taken to be no more
harmful, and so far below the threshold that it is intact for certain; where several doses lie near the threshold,
P(upheld) is smaller than told here, and P(refuted) larger. Controls are taken to pass, and every answer to be judged.

Items are drawn, so given the seeds alone their answers are independent: one replicate is exact, by quadrature over the
seed. With own items so are all, for they are independent. With shared items the replicates depend on the items that
were drawn: those are simulated with a fixed seed, everything else stays exact, and P(one replicate holds), whose exact
value is known, serves as control variate.

Reference:
    P. Glasserman (2003), Monte Carlo Methods in Financial Engineering, section 4.1: control variates.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import count, repeat
from typing import NamedTuple

import numpy as np
from scipy import special

from titer.stats.group_sequential import InterimAnalysis, SequentialPlan
from titer.stats.power import power_refuted, power_upheld
from titer.stats.rate_law import Quadrature, RateLaw
from titer.stats.replicates import Levels
from titer.stats.tango import FloatArray

DRAWS = 256
"""Draws of shared items; the standard error of a power is then about 0.002."""
_SEED = 17  # of the generator of shared items


@dataclass(frozen=True, kw_only=True)
class VerdictPower:
    """The chances of a verdict under a law of harm.

    Attributes:
        upheld: P(upheld).
        refuted: P(refuted).
        standard_error: of the simulation over shared items, the larger of the two; 0 where both are exact.
        asked: items that the dose which decides is expected to ask, per replicate; exact.
    """

    upheld: float
    refuted: float
    standard_error: float
    asked: float


class _Prospects(NamedTuple):
    """P(intact), P(broken) and the items asked, by the columns of chances; or means of them."""

    intact: FloatArray
    broken: FloatArray
    asked: FloatArray


@cache
def verdict_power(plan: SequentialPlan, levels: Levels, law: RateLaw, *, draws: int = DRAWS) -> VerdictPower:
    """P(upheld) and P(refuted) of S replicates, if one dose decides.

    Args:
        plan: when a dose is decided, at the levels of the condition.
        levels: those of the condition; they say how many replicates there are, and whether they share their items.
        law: the harm at the dose that decides.
        draws: draws of shared items, 3 or more.

    >>> from titer.stats.group_sequential import one_analysis
    >>> from titer.stats.replicates import levels
    >>> own = levels(replicates=5, share=0.5, alpha=0.05, decisions=3, items="own")
    >>> plan = one_analysis(120, threshold=0.2, intact_level=own.intact_level, broken_level=own.broken_level)
    >>> round(verdict_power(plan, own, RateLaw(rate=0.1)).upheld, 2)
    0.65
    """
    each = _replicate(plan, law)
    intact, broken, asked = map(float, each)
    if levels.r is None or levels.r_fail is None or levels.items == "own":
        upheld, refuted = power_upheld(levels, 1 - intact), power_refuted(levels, broken)
        return VerdictPower(upheld=upheld, refuted=refuted, standard_error=0.0, asked=asked)
    found = _by_draw(plan, law, draws)
    fewest = levels.replicates - levels.r_fail
    held, held_error = _controlled(special.bdtr(levels.r, levels.replicates, 1 - found.intact), found.intact, intact)
    fell, fell_error = _controlled(special.bdtrc(fewest - 1, levels.replicates, found.broken), found.broken, broken)
    return VerdictPower(upheld=held, refuted=fell, standard_error=max(held_error, fell_error), asked=asked)


def unlimited_power(levels: Levels, law: RateLaw, threshold: float) -> VerdictPower:
    """The same with unlimited items at every dose: what is left to the seeds.

    Args:
        levels: those of the condition.
        law: the harm at the dose that decides.
        threshold: the acceptable f.
    """
    breaking = law.breaking(threshold)
    upheld, refuted = power_upheld(levels, breaking), power_refuted(levels, breaking)
    return VerdictPower(upheld=upheld, refuted=refuted, standard_error=0.0, asked=np.inf)


def replicate_power(plan: SequentialPlan, law: RateLaw) -> VerdictPower:
    """The same of one replicate: that it holds, or fails, and the items it is expected to be asked at the dose; exact.

    Args:
        plan: when a dose is decided, at the levels of the condition.
        law: the harm at the dose that decides.
    """
    intact, broken, asked = map(float, _replicate(plan, law))
    return VerdictPower(upheld=intact, refuted=broken, standard_error=0.0, asked=asked)


def _seeds(plan: SequentialPlan, law: RateLaw) -> Quadrature:
    return law.seed_quadrature(plan.analyses[-1].asked, plan.threshold)


def _replicate(plan: SequentialPlan, law: RateLaw) -> _Prospects:
    """P(intact), P(broken) and the items asked of one replicate, over its seed and the items that are drawn."""
    seeds = _seeds(plan, law)
    return _over_seeds(_walk(plan.analyses, repeat(law.seed_rates(seeds.nodes)), len(seeds.nodes)), seeds)


def _by_draw(plan: SequentialPlan, law: RateLaw, draws: int) -> _Prospects:
    """The same of a replicate that is asked given items, over its seed alone: one value for each draw of items."""
    seeds, rng = _seeds(plan, law), np.random.default_rng(_SEED)
    at = law.center + law.seed_sd * seeds.nodes

    def of_item() -> FloatArray:
        return np.asarray(special.expit(np.add.outer(law.item_sd * rng.standard_normal(draws), at))).ravel()

    found = _walk(plan.analyses, (of_item() for _ in count()), draws * len(seeds.nodes))
    return _over_seeds(_Prospects(*(part.reshape(draws, -1) for part in found)), seeds)


def _over_seeds(found: _Prospects, seeds: Quadrature) -> _Prospects:
    """The means over the seed; what is 1 but for rounding is 1."""
    intact, broken, asked = (np.asarray(part @ seeds.weights) for part in found)
    return _Prospects(np.minimum(intact, 1.0), np.minimum(broken, 1.0), asked)


def _walk(analyses: Sequence[InterimAnalysis], chances: Iterator[FloatArray], columns: int) -> _Prospects:
    """Follow the law of the harmful count from item to item, taking out what is decided at each analysis.

    Args:
        analyses: when the dose is decided, and by which cut-offs.
        chances: by item those of a harmful answer, shape [columns]: each column is a law of its own.
        columns: how many there are.
    """
    cutoffs = [cutoff for one in analyses for cutoff in (one.intact, one.broken) if cutoff is not None]
    most = max(cutoffs, default=0) + 1  # so many harmful items or more are decided alike
    going = np.zeros((most + 1, columns))
    going[0] = 1
    intact, broken, asked = np.zeros((3, columns))
    before = 0
    for one in analyses:
        for seen in range(before + 1, one.asked + 1):
            chance = next(chances)
            possible = going[: min(seen, most) + 1]
            harmful = possible * chance
            possible -= harmful
            possible[1:] += harmful[:-1]
            if seen > most:
                possible[-1] += harmful[-1]
        before = one.asked
        for cutoff, decided, into in (
            (one.intact, slice(0, (one.intact or 0) + 1), intact),
            (one.broken, slice(one.broken, None), broken),
        ):
            if cutoff is not None:
                chance = going[decided].sum(axis=0)
                into += chance
                asked += one.asked * chance
                going[decided] = 0
    asked += before * going.sum(axis=0)
    return _Prospects(intact, broken, asked)


def _controlled(values: FloatArray, control: FloatArray, expected: float) -> tuple[float, float]:
    """The mean of some values and its standard error, by a control variate whose expectation is known."""
    spread = float(((control - control.mean()) ** 2).sum())
    slope = float(((control - control.mean()) * (values - values.mean())).sum()) / spread if spread > 1e-20 else 0.0
    adjusted = values - slope * (control - expected)
    error = float(adjusted.std(ddof=2)) / np.sqrt(len(values))
    return float(np.clip(adjusted.mean(), 0, 1)), float(error)
