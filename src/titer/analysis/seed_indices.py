"""Which seed indices are the replicates of a condition: one at which an attack failed gives way to a later one.

What broke never vanishes, and what fails by the defense's doing is evidence. An index of resistance or generalization
gives way only where an attack failed within the budget and no reading of the model under test is broken. An index of
trainability gives way where a benign training of the undefended model failed. An index whose defended model could not
be made never does. Source: docs/decisions/0021-what-broke-never-vanishes.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

from titer.analysis.findings import Assay, Curve
from titer.analysis.harm_counts import decide_dose, harm_probe
from titer.protocol.attacker import DoseSchedule
from titer.protocol.exposure import domains_of, sampling_of
from titer.protocol.schema import Protocol

Replacing = Literal["resistance", "generalization", "trainability"]
"""The conditions of which an index may be replaced, as the purposes of their cells."""
REPLACING: tuple[Replacing, ...] = ("resistance", "generalization", "trainability")


class IndexFailure(NamedTuple):
    """Why a seed index gives way, and whether an attack failed there on the defended model only."""

    reason: str
    only_defended: bool = False


@dataclass(frozen=True, kw_only=True)
class Replaced:
    """A seed index that gave way: the place that it had, and why."""

    index: int
    place: int
    failure: IndexFailure


@dataclass(frozen=True, kw_only=True)
class SeedIndices:
    """The seed indices of the replicates of one condition.

    Attributes:
        of_place: by place, from 0 to S - 1, the index that holds it: a replacing one takes the place of the replaced.
        replaced: the indices that gave way, by place.
        exhausted: whether an index failed that could not be replaced, since as many as S were.
    """

    of_place: tuple[int, ...]
    replaced: tuple[Replaced, ...] = ()
    exhausted: bool = False

    @property
    def reasons(self) -> tuple[str, ...]:
        """What became of those replaced, in words; those at which only the defended model failed come last."""
        return tuple(
            f"index {gone.index}: {gone.failure.reason}{' (on the defended model only)' * gone.failure.only_defended}"
            for gone in sorted(self.replaced, key=lambda gone: gone.failure.only_defended)
        )

    @property
    def used(self) -> tuple[int, ...]:
        """Every index that was run, those that gave way too."""
        return (*self.of_place, *(gone.index for gone in self.replaced))


def place_indices(first: int, replicates: int, failed: Mapping[int, IndexFailure]) -> SeedIndices:
    """The places of a condition, given which indices failed and why.

    Args:
        first: the first seed index of the study.
        replicates: how many there are (S); no more than S are replaced.
        failed: the failure of each index that gives way.

    >>> place_indices(0, 3, {1: IndexFailure("diverged at step 4")}).of_place
    (0, 3, 2)
    """
    held, following = list(range(first, first + replicates)), first + replicates
    replaced: list[Replaced] = []
    for place in range(replicates):
        while held[place] in failed and len(replaced) < replicates:
            replaced.append(Replaced(index=held[place], place=place, failure=failed[held[place]]))
            held[place], following = following, following + 1
    return SeedIndices(of_place=tuple(held), replaced=tuple(replaced), exhausted=any(index in failed for index in held))


def index_failure(protocol: Protocol, purpose: Replacing, curves: Iterable[Curve]) -> IndexFailure | None:
    """Why one seed index gives way in a condition; None where it stays.

    Args:
        protocol: the study.
        purpose: the condition.
        curves: those of the index, as far as they were read, in the order of the plan; others are passed over.
    """
    own = [curve for curve in curves if _counts(protocol, curve, purpose)]
    failed = [curve for curve in own if curve.failed is not None and _falls_short(protocol, curve)]
    if not failed or any(curve.subject == "defended" and is_broken(protocol, curve) for curve in own):
        return None
    assert failed[0].failed is not None
    return IndexFailure(failed[0].failed, only_defended=all(curve.subject == "defended" for curve in failed))


def is_broken(protocol: Protocol, curve: Curve) -> bool:
    """Whether an attack broke a model at a dose up to the budget, dose 0 included."""
    assert curve.domain is not None
    plan, budget = sampling_of(protocol, curve.domain), _schedule(protocol, curve).budget
    for point in curve.points:
        probe = harm_probe(point, curve.domain) if point.facts.dose <= budget else None
        found = None if probe is None else decide_dose(protocol, point, probe, plan)
        if found is not None and found[1] == "broken":
            return True
    return False


def _counts(protocol: Protocol, curve: Curve, purpose: Replacing) -> bool:
    """Whether a curve is of a condition as the protocol has it; of trainability only one of the undefended model."""
    if curve.purpose != purpose:
        return False
    if purpose == "trainability":
        plan = protocol.trainability
        return plan is not None and curve.task in plan.tasks and curve.subject == "undefended"
    domains = {domain.name for domain in domains_of(protocol, purpose)}
    attacks = {schedule.attack for schedule in protocol.attacks_on(curve.subject)}
    return curve.domain in domains and curve.attack in attacks


def _falls_short(protocol: Protocol, curve: Curve) -> bool:
    """Whether a curve that failed was not read up to the budget, nor broken before; a training of a task always."""
    if curve.purpose == "trainability":
        return True
    read = {point.facts.dose for point in curve.points}
    return not read.issuperset(_schedule(protocol, curve).within) and not is_broken(protocol, curve)


def _schedule(protocol: Protocol, curve: Curve) -> DoseSchedule:
    return next(one for one in protocol.attacks_on(curve.subject) if one.attack == curve.attack)


def seed_indices(assay: Assay, purpose: Replacing) -> SeedIndices:
    """The seed indices of the replicates of a condition, by what its curves say."""
    seeds = assay.protocol.study.seeds
    unmade = {failed.index for failed in assay.failed_makes}
    by_index: dict[int, list[Curve]] = {}
    for curve in assay.curves:
        if curve.purpose == purpose and curve.index not in unmade:
            by_index.setdefault(curve.index, []).append(curve)
    found = {index: index_failure(assay.protocol, purpose, own) for index, own in by_index.items()}
    failed = {index: failure for index, failure in found.items() if failure is not None}
    return place_indices(seeds.first, seeds.attack, failed)


def replaced_indices(assay: Assay) -> tuple[str, ...]:
    """Every seed index that gave way, with the condition and the reason, in words."""
    return tuple(f"{purpose}: {reason}" for purpose in REPLACING for reason in seed_indices(assay, purpose).reasons)
