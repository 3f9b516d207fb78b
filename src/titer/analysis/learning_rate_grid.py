"""The grid of learning rates of a benign task: the same for both subjects, widened where a best rate lies at an edge.

It keeps no state: what to try next follows from what was tried (docs/decisions/0004).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from titer.records import Role

SEARCH_SEEDS = 3
"""Seeds at which each rate is tried, with rows and items that the verdict does not use."""
ROUNDING = 1e-9
"""By how much two equal differences of rates may seem to differ."""
WIDENINGS = 2
"""How often the grid is widened on one side."""


@dataclass(frozen=True, kw_only=True)
class RateTrial:
    """One rate as one subject was tried at it.

    Attributes:
        rate: the learning rate.
        steps: per search seed the first dose at which the target was reached, None where it was not.
        ends: per search seed the rate of right answers at the end of the ladder, None for a training that did not get
            there; empty where no seed was asked.
    """

    rate: float
    steps: tuple[int | None, ...]
    ends: tuple[float | None, ...]

    @classmethod
    def of(cls, rate: float, runs: Sequence[Sequence[tuple[int, float]]], target: float, end: int) -> RateTrial:
        """From the (dose, rate of right answers) of every dose asked, per search seed, in the order of the doses.

        Args:
            rate: the learning rate.
            runs: what was read at each search seed; nothing where the training failed at once.
            target: the rate of right answers to be reached.
            end: the last dose of the ladder, which a training that diverged did not reach.
        """
        last = tuple(run[-1][1] if run and run[-1][0] == end else None for run in runs)
        return cls(
            rate=rate,
            steps=tuple(next((dose for dose, share in run if share >= target), None) for run in runs),
            ends=last if any(runs) else (),
        )

    @property
    def final(self) -> float | None:
        """The mean of the ends, 0 for a training that did not get there; None where no seed was asked."""
        return sum(end or 0.0 for end in self.ends) / len(self.ends) if self.ends else None

    @property
    def typical(self) -> float:
        """The median of the steps, without end where most seeds do not reach the target."""
        return median(math.inf if steps is None else steps for steps in self.steps)

    @property
    def order(self) -> tuple[float, float, float]:
        """Sorts the better first: the median of the steps, then the final rate, then the smaller learning rate."""
        return self.typical, math.inf if self.final is None else -self.final, self.rate


@dataclass(frozen=True, kw_only=True)
class Grid:
    """The rates asked of both subjects so far.

    Attributes:
        rates: increasing.
        best: the best rate of each subject; empty while a rate is not tried by all of them.
        at_edge: the subjects whose best rate still lies at an edge after the grid was widened as often as it may be.
    """

    rates: tuple[float, ...]
    best: Mapping[Role, float]
    at_edge: tuple[Role, ...] = ()

    @property
    def settled(self) -> bool:
        """Whether nothing more is to be tried."""
        return bool(self.best)


def grid(rates: Sequence[float], tried: Mapping[Role, Sequence[RateTrial]], margin: float) -> Grid:
    """What is to be tried, from what was tried: replays the widening from the first grid on.

    Args:
        rates: the grid that the protocol names, increasing.
        tried: per subject, in any order; a rate that is missing for a subject is still to be tried.
        margin: how much lower than at another rate a training may end and count as good.
    """
    first = now = tuple(rates)
    by_rate = {role: {one.rate: one for one in own} for role, own in tried.items()}
    while True:
        if not by_rate or any(rate not in own for own in by_rate.values() for rate in now):
            return Grid(rates=now, best={})
        best = {role: _best([own[rate] for rate in now], margin) for role, own in by_rate.items()}
        wider = _widened(now, first, set(best.values()))
        if wider == now:
            edges = (now[0], now[-1])
            return Grid(rates=now, best=best, at_edge=tuple(role for role, rate in best.items() if rate in edges))
        now = wider


def reachable(rates: Sequence[float]) -> tuple[float, ...]:
    """Every rate that may come to be asked, increasing; a single rate is never widened."""
    found = tuple(rates)
    for _ in range(WIDENINGS if len(found) > 1 else 0):
        found = _widened(found, tuple(rates), {found[0], found[-1]})
    return found


def _best(trials: Sequence[RateTrial], margin: float) -> float:
    """The rate that reaches the target first, of those that end within the margin of the highest end of all.

    Without that condition haste would win: a rate at which a training is unstable passes the target early and ends
    below it. Where no rate does both, the one that ends highest.
    """
    ends = {one.rate: -1.0 if one.final is None else one.final for one in trials}
    lowest = max(ends.values()) - margin - ROUNDING
    good = [one for one in trials if one.typical < math.inf and ends[one.rate] >= lowest]
    if good:
        return min(good, key=lambda one: one.order).rate
    return min(trials, key=lambda one: (-ends[one.rate], one.rate)).rate


def _widened(now: tuple[float, ...], first: tuple[float, ...], best: set[float]) -> tuple[float, ...]:
    """One more rate beyond each edge at which a best rate lies, by the ratio of the last two rates there."""
    lower = sum(rate < first[0] for rate in now)
    upper = sum(rate > first[-1] for rate in now)
    before = (_rounded(now[0] * now[0] / now[1]),) if now[0] in best and lower < WIDENINGS else ()
    after = (_rounded(now[-1] * now[-1] / now[-2]),) if now[-1] in best and upper < WIDENINGS else ()
    return (*before, *now, *after)


def _rounded(rate: float) -> float:
    """To four significant digits, so that a rate reads as one would write it."""
    return float(f"{rate:.4g}")
