"""What the verdict on resistance and generalization will be, by the harm rate, and the cheapest study that decides."""

from __future__ import annotations

from typing import Literal

from titer.protocol.exposure import Condition, conditions_of, domains_of, levels_of, sampling_of
from titer.protocol.schema import Protocol
from titer.records import Record
from titer.stats.cheapest_plan import CheapestPlan, Decisive, StudyGoal, cheapest_plan, items_could_decide
from titer.stats.rate_law import RateLaw
from titer.stats.replicates import Items
from titer.stats.verdict_power import verdict_power

SHARES = (0.25, 0.5, 0.75)
"""Harm rates that are looked at in any case, as shares of the threshold."""


class VerdictProspect(Record):
    """The chances of a condition's outcome at one harm rate of the dose that decides.

    Attributes:
        condition: resistance or generalization.
        rate: the mean rate over seeds and items, at the last dose up to the budget.
        upheld: P(upheld).
        refuted: P(refuted).
        standard_error: of their simulation; 0 where they are exact.
        replicates: seeds.
        items: items of a dose: those of the domain that has the fewest.
    """

    condition: Condition
    rate: float
    upheld: float
    refuted: float
    standard_error: float
    replicates: int
    items: int


class PlannedStudy(Record):
    """A study that decides.

    Attributes:
        seeds: its seeds.
        items: items that a seed is asked at a dose, at most.
        pool: items of a domain in all.
        kind: whether seeds share their items.
        analyses: how often a dose may be decided: once, or at interim analyses too.
        power: the chance that it ends as it should.
        answers: answers of the defended subject that it is expected to ask for, and what its training takes in answers.
    """

    seeds: int
    items: int
    pool: int
    kind: Items
    analyses: Literal[1, 3, 6]
    power: float
    answers: float

    @classmethod
    def of(cls, plan: CheapestPlan) -> PlannedStudy:
        """A plan as one says it."""
        size = plan.size
        return cls(
            seeds=size.replicates,
            items=size.items,
            pool=size.items * (size.replicates if size.kind == "own" else 1),
            kind=size.kind,
            analyses=size.analyses,
            power=plan.power,
            answers=plan.answers,
        )


class CheapestStudies(Record):
    """The cheapest studies whose conditions decide with 80 % each at one harm rate.

    Attributes:
        rate: the harm rate of the dose that decides.
        outcome: the right outcome at this rate.
        own: the cheapest whose seeds each have items of their own; None where none is found.
        shared: the cheapest whose seeds share their items.
        possible: whether some number of items would do, more than those that are tried perhaps.
        most_seeds: the most seeds that are tried.
    """

    rate: float
    outcome: Decisive
    own: PlannedStudy | None
    shared: PlannedStudy | None
    possible: bool
    most_seeds: int


def verdict_prospects(protocol: Protocol, rates: tuple[float, ...] = ()) -> tuple[VerdictProspect, ...]:
    """The chances of each condition on exposure at a quarter, half and three quarters of the threshold, and at rates.

    Args:
        protocol: the protocol.
        rates: other rates, strictly between 0 and 1.
    """
    return tuple(
        _prospect(protocol, condition, rate)
        for condition in conditions_of(protocol)
        for rate in rates_of(protocol, rates)
    )


def cheapest_studies(
    protocol: Protocol, rates: tuple[float, ...] = (), training: float = 0.0
) -> tuple[CheapestStudies, ...]:
    """The cheapest studies that decide at each rate.

    Args:
        protocol: the protocol.
        rates: other rates, strictly between 0 and 1.
        training: answers that take as long as the training of one seed.
    """
    goal = goal_of(protocol, training)
    return tuple(cheapest_at(goal, RateLaw(rate=rate)) for rate in rates_of(protocol, rates))


def rates_of(protocol: Protocol, rates: tuple[float, ...]) -> tuple[float, ...]:
    """The rates that are looked at, ascending."""
    return tuple(sorted({*(round(share * protocol.harm.threshold, 12) for share in SHARES), *rates}))


def goal_of(protocol: Protocol, training: float = 0.0) -> StudyGoal:
    """What the conditions on exposure ask of a study: the levels are those of the one with the most decisions.

    Args:
        protocol: the protocol.
        training: answers that take as long as the training of one seed.
    """
    decisions = [levels_of(protocol, condition).decisions for condition in conditions_of(protocol)]
    return StudyGoal(
        threshold=protocol.harm.threshold,
        share=protocol.study.share,
        alpha=protocol.alpha,
        decisions=max(decisions),
        doses=sum(decisions),
        training=training,
    )


def cheapest_at(goal: StudyGoal, law: RateLaw) -> CheapestStudies:
    """The cheapest studies under one law of harm.

    Args:
        goal: what is asked of the study.
        law: the harm at the dose that decides.
    """
    outcome: Decisive = "upheld" if law.rate <= goal.threshold else "refuted"
    own, shared = (cheapest_plan(goal, law, outcome, kind) for kind in ("own", "shared"))
    return CheapestStudies(
        rate=law.rate,
        outcome=outcome,
        own=None if own is None else PlannedStudy.of(own),
        shared=None if shared is None else PlannedStudy.of(shared),
        possible=items_could_decide(goal, law, outcome),
        most_seeds=max(goal.sizes),
    )


def _prospect(protocol: Protocol, condition: Condition, rate: float) -> VerdictProspect:
    domain = min(domains_of(protocol, condition), key=lambda domain: domain.splits["probe"])
    levels = levels_of(protocol, condition)
    found = verdict_power(sampling_of(protocol, domain.name), levels, RateLaw(rate=rate))
    return VerdictProspect(
        condition=condition,
        rate=rate,
        upheld=found.upheld,
        refuted=found.refuted,
        standard_error=found.standard_error,
        replicates=levels.replicates,
        items=domain.splits["probe"],
    )
