"""From doses to replicates: what the curves of an attack show, per dose, per curve and per seed index."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from titer.analysis.findings import Assay, Curve
from titer.analysis.harm_counts import decide_dose
from titer.analysis.seed_indices import seed_indices
from titer.data.identifiers import ProbeId
from titer.protocol.attacker import DoseSchedule
from titer.protocol.dose_axes import Axis
from titer.protocol.exposure import EXPOSED, Condition, curves_of_replicate, domains_of, levels_of, sampling_of
from titer.protocol.schema import Protocol
from titer.records import Role
from titer.stats import interval_censoring
from titer.stats.binomial import Counts, Decision
from titer.stats.group_sequential import SequentialPlan
from titer.stats.interval_censoring import Interval
from titer.stats.replicates import Levels, Tally

ReplicateState = Literal["holds", "fails", "open"]


@dataclass(frozen=True, kw_only=True)
class DecidedCurve:
    """One curve in one domain: the counts and the decision of each dose of the ladder, None where not read.

    `budget` is a dose on the attack's own axis, as all doses here; `items` are all that a dose may be decided by.
    """

    attack: str
    domain: str
    axis: Axis
    budget: int
    items: int
    doses: tuple[int, ...]
    counts: tuple[Counts | None, ...]
    decisions: tuple[Decision | None, ...]

    @property
    def titer(self) -> Interval:
        """The dose at which this curve breaks."""
        return interval_censoring.titer(self.doses, self.decisions)

    @property
    def state(self) -> ReplicateState:
        """Whether every dose up to the budget is intact, any is broken, or neither."""
        return self.state_until(self.budget)

    def state_until(self, until: float) -> ReplicateState:
        """The same up to another dose."""
        decisions = [decision for dose, decision in zip(self.doses, self.decisions, strict=True) if dose <= until]
        if "broken" in decisions:
            return "fails"
        return "holds" if decisions and all(decision == "intact" for decision in decisions) else "open"

    @property
    def breaks_later(self) -> bool:
        """Whether a dose above 0 is broken, up to the budget or beyond."""
        return any(d == "broken" for dose, d in zip(self.doses, self.decisions, strict=True) if dose > 0)

    @property
    def decisive(self) -> int:
        """The place of the dose that decides: the first broken one, else the first not intact, else the budget."""
        within = [i for i, dose in enumerate(self.doses) if dose <= self.budget]
        broken = [i for i in within if self.decisions[i] == "broken"]
        return (broken or [i for i in within if self.decisions[i] != "intact"] or within[-1:])[0]


@dataclass(frozen=True, kw_only=True)
class Replicate:
    """All curves of one condition and one subject at one seed index, in the order attack, domain."""

    index: int
    curves: tuple[DecidedCurve, ...]

    @cached_property
    def state(self) -> ReplicateState:
        """Holds if every dose up to the budget is intact, fails if any is broken, else open."""
        return _joined([curve.state for curve in self.curves])

    def state_on(self, axis: Axis) -> ReplicateState:
        """The same of the doses on one axis alone."""
        return _joined([curve.state for curve in self.curves if curve.axis == axis])

    def titer(self, axis: Axis) -> Interval:
        """The smallest titer on one axis, over the attacks on it and the domains."""
        return interval_censoring.weakest([curve.titer for curve in self.curves if curve.axis == axis])


def _joined(states: Sequence[ReplicateState]) -> ReplicateState:
    if "fails" in states:
        return "fails"
    return "holds" if states and all(state == "holds" for state in states) else "open"


def replicates_of(
    assay: Assay, condition: Condition, subject: Role, levels: Levels | None = None
) -> tuple[Replicate, ...]:
    """The replicates of a condition and a subject, by place; a curve that is not there was not read.

    Args:
        assay: the assay.
        condition: resistance or generalization.
        subject: undefended or defended.
        levels: at which doses are decided; None for those of the condition.
    """
    protocol = assay.protocol
    at = levels or levels_of(protocol, condition)
    found = {
        (curve.attack, curve.domain, curve.index): curve
        for curve in assay.curves
        if curve.purpose in EXPOSED and curve.subject == subject
    }
    plans = {d.name: sampling_of(protocol, d.name, at) for d in domains_of(protocol, condition)}
    cells = curves_of_replicate(protocol, domains_of(protocol, condition), subject)
    places = enumerate(seed_indices(assay, condition).of_place)
    return tuple(
        Replicate(
            index=index,
            curves=tuple(
                decide_curve(
                    assay,
                    found.get((schedule.attack, domain.name, index)),
                    schedule,
                    probe_at(protocol, domain.name, place),
                    plans[domain.name],
                )
                for schedule, domain in cells
            ),
        )
        for place, index in places
    )


def probe_at(protocol: Protocol, domain: str, place: int) -> ProbeId:
    """The probe by which a domain is asked at one place: of all items, or of those of the place alone."""
    return ProbeId.of("harm", domain, place=place if protocol.harm.items == "own" else None)


def decide_curve(
    assay: Assay, curve: Curve | None, schedule: DoseSchedule, probe: ProbeId, plan: SequentialPlan
) -> DecidedCurve:
    """A curve as decided in one domain, along the ladder of the protocol; a dose that is not there was not read.

    Args:
        assay: the assay.
        curve: the curve; None where there is none.
        schedule: how its attack is dosed.
        probe: by which the domain is asked.
        plan: when a dose may be decided, and by which cut-offs.
    """
    points = {} if curve is None else {point.facts.dose: point for point in curve.points}
    ladder = schedule.ladder
    found = [decide_dose(assay.protocol, points[dose], probe, plan) if dose in points else None for dose in ladder]
    return DecidedCurve(
        attack=schedule.attack,
        domain=probe.name,
        axis=schedule.axis,
        budget=schedule.budget,
        items=plan.analyses[-1].asked,
        doses=ladder,
        counts=tuple(None if one is None else one[0] for one in found),
        decisions=tuple(None if one is None else one[1] for one in found),
    )


def tally(found: Sequence[Replicate]) -> Tally:
    """How many replicates hold, fail and are open."""
    states = [replicate.state for replicate in found]
    return Tally(holds=states.count("holds"), fails=states.count("fails"), open=states.count("open"))


def num_failing(found: Sequence[Replicate], attack: str | None = None, domain: str | None = None) -> int:
    """How many replicates fail, under one attack alone or all, in one domain or all."""
    return sum(
        any(
            curve.state == "fails"
            for curve in replicate.curves
            if attack in (None, curve.attack) and domain in (None, curve.domain)
        )
        for replicate in found
    )


def breaks(found: Sequence[Replicate], levels: Levels, attack: str | None = None, domain: str | None = None) -> bool:
    """Whether at least S - r' replicates fail, under one attack alone or all, in one domain or all.

    Every one where the seeds decide nothing.
    """
    return num_failing(found, attack, domain) >= levels.replicates - (levels.r_fail or 0)
