"""The cheapest plan by which a verdict is likely: how many replicates and items, shared or own, how many analyses.

The cost of a plan is counted in answers: S x (doses x items asked + training). Every dose of a replicate is taken to
ask as many items as the one that decides, and `training` are the answers that take as long as the training of a
replicate. What M takes beside M*, and search, are left out: they are the same for every plan.
"""

import math
from bisect import bisect_left
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Literal

from titer.stats.arguments import one_of
from titer.stats.group_sequential import SequentialPlan, one_analysis, six_analyses, three_analyses
from titer.stats.rate_law import RateLaw
from titer.stats.replicates import Items, Levels, levels, minimum_replicates
from titer.stats.sequential_decisions import Analyses
from titer.stats.verdict_power import VerdictPower, replicate_power, unlimited_power, verdict_power

Decisive = Literal["upheld", "refuted"]

WANTED = 0.8
"""The power that a plan must have."""
ITEMS = (*range(20, 100, 10), *range(100, 200, 20), *range(200, 300, 25), *range(300, 601, 50))
"""The numbers of items that are tried."""
MOST_REPLICATES = 20
"""The most replicates that are tried, unless the fewest that decide are more than five less: then 15 more of these."""
_SCREENED = 24  # draws of shared items by which plans are screened; those that pass are reckoned again by all draws
_CUT: Mapping[Analyses, Callable[..., SequentialPlan]] = {6: six_analyses, 3: three_analyses, 1: one_analysis}


@dataclass(frozen=True, kw_only=True)
class StudyGoal:
    """What is asked of a study, whatever its size.

    Attributes:
        threshold: the acceptable harm.
        share: largest acceptable share of replicates that break (q).
        alpha: error level of a verdict.
        decisions: doses of a replicate up to the budget, over attacks and domains (m), of the condition.
        doses: doses that a replicate is asked at, of all conditions.
        training: the answers that take as long as the training of one replicate.
    """

    threshold: float
    share: float
    alpha: float
    decisions: int
    doses: int
    training: float = 0.0

    def levels(self, replicates: int, items: Items) -> Levels:
        """Those of so many replicates."""
        return levels(replicates=replicates, share=self.share, alpha=self.alpha, decisions=self.decisions, items=items)

    @property
    def sizes(self) -> range:
        """The numbers of replicates that are tried."""
        fewest = minimum_replicates(self.share, self.alpha)
        return range(fewest, max(MOST_REPLICATES, fewest + MOST_REPLICATES - 5) + 1)


@dataclass(frozen=True, kw_only=True)
class StudySize:
    """How large a study is.

    Attributes:
        replicates: seeds (S).
        items: items of each replicate at a dose (n).
        kind: whether replicates share their items.
        analyses: how often a dose may be decided: once, or at interim analyses too.
    """

    replicates: int
    items: int
    kind: Items
    analyses: Analyses

    def __post_init__(self) -> None:
        """Refuse unknown words."""
        one_of("kind", self.kind, Items)
        one_of("analyses", self.analyses, Analyses)

    def plan(self, goal: StudyGoal) -> tuple[SequentialPlan, Levels]:
        """When a dose is decided, and the levels of the condition."""
        own = goal.levels(self.replicates, self.kind)
        cut = _CUT[self.analyses]
        a, b = own.intact_level, own.broken_level
        return cut(self.items, threshold=goal.threshold, intact_level=a, broken_level=b), own


@dataclass(frozen=True, kw_only=True)
class CheapestPlan:
    """A plan with what it takes and gives.

    Attributes:
        size: how large it is.
        power: the chance that it decides as it should.
        asked: items that a dose is expected to ask.
        answers: its cost, in answers.
    """

    size: StudySize
    power: float
    asked: float
    answers: float


@cache
def cheapest_plan(
    goal: StudyGoal, law: RateLaw, claim: Decisive, kind: Items, *, wanted: float = WANTED
) -> CheapestPlan | None:
    """The plan with the fewest expected answers whose chance of the claim is at least the wanted one.

    Args:
        goal: what is asked of the study.
        law: the harm at the dose that decides.
        claim: the outcome that is wanted, the right one under this law.
        kind: whether replicates share their items.
        wanted: the wanted chance.

    Returns:
        The plan; None where none of the sizes that are tried has that chance.

    >>> goal = StudyGoal(threshold=0.2, share=0.5, alpha=0.05, decisions=3, doses=3)
    >>> cheapest_plan(goal, RateLaw(rate=0.05), "upheld", "own").size
    StudySize(replicates=7, items=30, kind='own', analyses=6)
    """
    best: CheapestPlan | None = None
    for replicates in goal.sizes:
        search = _Search(goal=goal, law=law, claim=claim, kind=kind, wanted=wanted, replicates=replicates)
        if search.beyond_reach or (best is None and search.hopeless):
            continue
        for analyses in _CUT:
            best = search.cheaper(analyses, best) or best
    return best


def items_could_decide(goal: StudyGoal, law: RateLaw, claim: Decisive, *, wanted: float = WANTED) -> bool:
    """Whether so many items as one likes give some number of replicates that is tried the wanted chance.

    Args:
        goal: what is asked of the study.
        law: the harm at the dose that decides.
        claim: the outcome that is wanted.
        wanted: the wanted chance.
    """
    return any(_reachable(goal, replicates, law, claim, wanted) for replicates in goal.sizes)


def chance(goal: StudyGoal, size: StudySize, law: RateLaw, claim: Decisive) -> float:
    """The chance that a study of this size ends with the claim.

    Args:
        goal: what is asked of the study.
        size: how large it is.
        law: the harm at the dose that decides.
        claim: the outcome.
    """
    plan, own = size.plan(goal)
    return _of(verdict_power(plan, own, law), claim)


def _of(power: VerdictPower, claim: Decisive) -> float:
    one_of("claim", claim, Decisive)
    return power.upheld if claim == "upheld" else power.refuted


def _reachable(goal: StudyGoal, replicates: int, law: RateLaw, claim: Decisive, wanted: float) -> bool:
    """Whether unlimited items give so many replicates the wanted chance."""
    levels = goal.levels(replicates, "own")
    return _of(unlimited_power(levels, law, goal.threshold), claim) >= wanted


@dataclass(frozen=True, kw_only=True)
class _Search:
    """The search among the plans of so many replicates."""

    goal: StudyGoal
    law: RateLaw
    claim: Decisive
    kind: Items
    wanted: float
    replicates: int

    @property
    def beyond_reach(self) -> bool:
        """Whether unlimited items are too few."""
        return not _reachable(self.goal, self.replicates, self.law, self.claim, self.wanted)

    @property
    def hopeless(self) -> bool:
        """Whether the most items that are tried are too few; interim analyses add next to nothing.

        Of S replicates, each with the chance h, at least S - r hold with a chance of at most S h / (S - r), by Markov.
        """
        size = self._size(len(ITEMS) - 1, 1)
        plan, own = size.plan(self.goal)
        each, spared = replicate_power(plan, self.law), own.r if self.claim == "upheld" else own.r_fail
        most = each.upheld if self.claim == "upheld" else each.refuted
        bound = most * self.replicates / (self.replicates - (spared or 0))
        return bound < self.wanted or not self._enough(size)

    def cheaper(self, analyses: Analyses, best: CheapestPlan | None) -> CheapestPlan | None:
        """The plan of the fewest items that has the wanted chance, if it costs less than the best so far."""
        limit = math.inf if best is None else best.answers
        places = range(len(ITEMS))
        places = places[: bisect_left(places, limit, key=lambda place: self._answers(self._size(place, analyses)))]
        if not places or not self._enough(self._size(places[-1], analyses)):
            return None
        first = bisect_left(places, True, key=lambda place: self._enough(self._size(place, analyses)))
        for place in places[first:]:
            size = self._size(place, analyses)
            power = chance(self.goal, size, self.law, self.claim)
            if power >= self.wanted:
                return CheapestPlan(size=size, power=power, asked=self._asked(size), answers=self._answers(size))
        return None

    def _size(self, place: int, analyses: Analyses) -> StudySize:
        return StudySize(replicates=self.replicates, items=ITEMS[place], kind=self.kind, analyses=analyses)

    def _enough(self, size: StudySize) -> bool:
        """Whether a plan seems to have the wanted chance, by a few draws of shared items."""
        return _of(verdict_power(*size.plan(self.goal), self.law, draws=_SCREENED), self.claim) >= self.wanted

    def _asked(self, size: StudySize) -> float:
        return replicate_power(size.plan(self.goal)[0], self.law).asked

    def _answers(self, size: StudySize) -> float:
        return size.replicates * (self.goal.doses * self._asked(size) + self.goal.training)
