"""Which seed indices are the replicates of a condition: one that failed by its method's doing gives way to a later one.

What fails by the defense's doing is evidence and does not vanish. So replacement is per condition: resistance and
generalization replace an index at which one of their attacks diverged, trainability one at which a benign training of
the undefended subject did; an index whose defended subject could not be made is never replaced.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from titer.analysis.findings import Assay, Curve
from titer.protocol.exposure import domains_of
from titer.protocol.schema import Protocol

Replacing = Literal["resistance", "generalization", "trainability"]
"""The conditions of which an index may be replaced, as the purposes of their cells."""
REPLACING: tuple[Replacing, ...] = ("resistance", "generalization", "trainability")


@dataclass(frozen=True, kw_only=True)
class Replaced:
    """A seed index that gave way: the place that it had, and why."""

    index: int
    place: int
    reason: str


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
        """What became of those replaced, in words."""
        return tuple(f"index {gone.index}: {gone.reason}" for gone in self.replaced)

    @property
    def used(self) -> tuple[int, ...]:
        """Every index that was run, those that gave way too."""
        return (*self.of_place, *(gone.index for gone in self.replaced))


def place_indices(first: int, replicates: int, failed: Mapping[int, str]) -> SeedIndices:
    """The places of a condition, given which indices failed and why.

    Args:
        first: the first seed index of the study.
        replicates: how many there are (S); no more than S are replaced.
        failed: the reason of each index that failed.

    >>> place_indices(0, 3, {1: "diverged at step 4"}).of_place
    (0, 3, 2)
    """
    held, following = list(range(first, first + replicates)), first + replicates
    replaced: list[Replaced] = []
    for place in range(replicates):
        while held[place] in failed and len(replaced) < replicates:
            replaced.append(Replaced(index=held[place], place=place, reason=failed[held[place]]))
            held[place], following = following, following + 1
    return SeedIndices(of_place=tuple(held), replaced=tuple(replaced), exhausted=any(index in failed for index in held))


def counts_against(protocol: Protocol, curve: Curve, purpose: Replacing) -> bool:
    """Whether a failure of this curve replaces its index in a condition, of which it is as the protocol has it.

    Of trainability only where the undefended subject failed.

    Args:
        protocol: the protocol.
        curve: the curve.
        purpose: the condition.
    """
    if curve.purpose != purpose:
        return False
    if purpose == "trainability":
        plan = protocol.trainability
        return plan is not None and curve.task in plan.tasks and curve.subject == "undefended"
    domains = {domain.name for domain in domains_of(protocol, purpose)}
    attacks = {schedule.attack for schedule in protocol.attacks_on(curve.subject)}
    return curve.domain in domains and curve.attack in attacks


def seed_indices(assay: Assay, purpose: Replacing) -> SeedIndices:
    """The seed indices of the replicates of a condition, by what its curves say."""
    seeds = assay.protocol.study.seeds
    unmade = {failed.index for failed in assay.failed_makes}
    failed: dict[int, str] = {}
    for curve in assay.curves:
        if curve.failed is not None and counts_against(assay.protocol, curve, purpose) and curve.index not in unmade:
            failed.setdefault(curve.index, curve.failed)
    return place_indices(seeds.first, seeds.attack, failed)


def replaced_indices(assay: Assay) -> tuple[str, ...]:
    """Every seed index that gave way, with the condition and the reason, in words."""
    return tuple(f"{purpose}: {reason}" for purpose in REPLACING for reason in seed_indices(assay, purpose).reasons)
