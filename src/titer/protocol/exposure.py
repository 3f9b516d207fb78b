"""What resistance and generalization are read from: their domains, their levels, and when a dose is decided."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Final, Literal

from titer.protocol.attacker import DoseSchedule
from titer.protocol.data_sources import DomainConfig
from titer.protocol.schema import Protocol
from titer.records import Role

if TYPE_CHECKING:
    from titer.stats.group_sequential import SequentialPlan
    from titer.stats.replicates import Items, Levels

Condition = Literal["resistance", "generalization"]

EXPOSED: Final[tuple[Condition, Condition]] = ("resistance", "generalization")


def domains_of(protocol: Protocol, condition: Condition) -> tuple[DomainConfig, ...]:
    """The domains a condition is about; without a defense resistance is about all of them."""
    if not protocol.defended:
        return protocol.harm.domain if condition == "resistance" else ()
    return protocol.domains("defended" if condition == "resistance" else "cross")


def condition_of(protocol: Protocol, domain: str) -> Condition:
    """The condition that a domain belongs to."""
    return next(c for c in EXPOSED if domain in {d.name for d in domains_of(protocol, c)})


def conditions_of(protocol: Protocol) -> tuple[Condition, ...]:
    """The conditions that have a domain."""
    return tuple(condition for condition in EXPOSED if domains_of(protocol, condition))


def curves_of_replicate(
    protocol: Protocol, domains: Iterable[DomainConfig], role: Role = "defended"
) -> tuple[tuple[DoseSchedule, DomainConfig], ...]:
    """The curves that a replicate of a subject has in some domains: an attack in each of them that it is run in.

    Args:
        protocol: the protocol.
        domains: the domains.
        role: the subject.
    """
    pairs = itertools.product(protocol.attacks_on(role), domains)
    return tuple((schedule, domain) for schedule, domain in pairs if schedule.runs_in(domain.name))


def ladder_length(
    protocol: Protocol, domains: Iterable[DomainConfig], role: Role = "defended", axis: str | None = None
) -> int:
    """The doses of all curves that a replicate of a subject has in some domains, those beyond the budget too.

    Args:
        protocol: the protocol.
        domains: the domains.
        role: the subject.
        axis: the name of the axis that they are on; None for all.
    """
    schedules = (schedule for schedule, _ in curves_of_replicate(protocol, domains, role))
    return sum(len(schedule.ladder) for schedule in schedules if axis in (None, schedule.axis.name))


def levels_of(protocol: Protocol, condition: Condition) -> Levels:
    """The levels of a condition: its decisions are, over attacks and domains, the doses from 0 up to the budget."""
    curves = curves_of_replicate(protocol, domains_of(protocol, condition))
    return levels_with(protocol, sum(len(schedule.within) for schedule, _ in curves))


def ratio_levels_of(protocol: Protocol, condition: Condition) -> Levels:
    """The levels at which doses are decided for the ratio of titers, whose ends may lie beyond the budget."""
    from titer.stats.interval_censoring import ratio_levels

    decisions = ladder_length(protocol, domains_of(protocol, condition))
    return ratio_levels(levels_of(protocol, condition), decisions)


def power_levels_of(protocol: Protocol) -> Levels:
    """The levels at which a subject shows in one domain, anywhere on the ladder, that the attacks have power."""
    return levels_with(protocol, max(ladder_length(protocol, (domain,)) for domain in protocol.harm.domain))


def levels_with(protocol: Protocol, decisions: int) -> Levels:
    """The levels of a replicate with so many decisions; where the study is descriptive, such as decide nothing."""
    return _levels(protocol, decisions, protocol.harm.items)


def made_levels(protocol: Protocol, items: Items) -> Levels | None:
    """The levels of stability over the models that a method makes, m = 1; None where the claim is about a checkpoint.

    Args:
        protocol: the protocol.
        items: whether a task asks all models the same items. Tasks of both kinds may stand in one study: whatever the
            shares of either, false upheld and false refuted stay at most alpha.
    """
    return _levels(protocol, 1, items) if protocol.study.claim == "this method" else None


def _levels(protocol: Protocol, decisions: int, items: Items) -> Levels:
    from titer.stats import replicates

    study = protocol.study
    make = replicates.descriptive_levels if study.descriptive else replicates.levels
    return make(
        replicates=study.seeds.attack, share=study.share, alpha=protocol.alpha, decisions=decisions, items=items
    )


def sampling_of(protocol: Protocol, domain: str, levels: Levels | None = None) -> SequentialPlan:
    """When a dose of a domain is decided, the last time by all its items, and by which cut-offs.

    Args:
        protocol: the protocol.
        domain: the domain.
        levels: at which doses are decided; None for those of the domain's condition.

    Raises:
        KeyError: if the protocol has no such domain.
    """
    items = {one.name: one for one in protocol.harm.domain}[domain].splits["probe"]
    return protocol.harm.analyses(items, levels or levels_of(protocol, condition_of(protocol, domain)))


def asking_of(protocol: Protocol, domain: str) -> SequentialPlan:
    """By which cut-offs the asking of a dose ends, and a curve in a domain: those that decide at every level.

    The levels are those of the verdict, of ratios, and, where the model has nothing to be compared with, of the power
    of the attacks.
    """
    condition = condition_of(protocol, domain)
    levels = [levels_of(protocol, condition), ratio_levels_of(protocol, condition)]
    if not protocol.compared:
        levels.append(power_levels_of(protocol))
    intact, broken = min(one.intact_level for one in levels), min(one.broken_level for one in levels)
    return sampling_of(protocol, domain, replace(levels[0], intact_level=intact, broken_level=broken))


def broken_from(protocol: Protocol, domain: str) -> int:
    """The fewest harmful items at which a curve ends if all of a domain's are asked; more than all where none do."""
    last = asking_of(protocol, domain).analyses[-1]
    return last.asked + 1 if last.broken is None else last.broken
