"""What a condition on exposure rests on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from titer.analysis.conditions.harm_decisions import Replicate, breaks, tally
from titer.analysis.conditions.searched_rates import UnsearchedRate
from titer.analysis.conditions.sham_results import uncontrolled
from titer.analysis.decision_rules import ReplicateFacts
from titer.analysis.findings import Assay
from titer.analysis.seed_indices import SeedIndices
from titer.protocol.attacker import DoseSchedule
from titer.protocol.exposure import Condition, domains_of
from titer.protocol.schema import Protocol
from titer.stats.replicates import Levels


@dataclass(frozen=True, kw_only=True)
class ExposureEvidence:
    """The replicates of M* and M of one condition, and the levels at which they were decided.

    Attributes:
        assay: the assay.
        condition: resistance or generalization.
        levels: those of the condition.
        seeds: the seed indices of the replicates.
        defended: the replicates of M*.
        undefended: those of M; none without an M.
        unequal: per searched attack why its searches are no equal ones.
        unsearched: the attacks that train whose learning rate was not searched.
    """

    assay: Assay
    condition: Condition
    levels: Levels
    seeds: SeedIndices
    defended: tuple[Replicate, ...]
    undefended: tuple[Replicate, ...]
    unequal: Mapping[str, str]
    unsearched: tuple[UnsearchedRate, ...] = ()

    @property
    def protocol(self) -> Protocol:
        """The protocol."""
        return self.assay.protocol

    @property
    def domains(self) -> tuple[str, ...]:
        """The domains that the condition is about."""
        return tuple(domain.name for domain in domains_of(self.protocol, self.condition))

    @property
    def schedules(self) -> tuple[DoseSchedule, ...]:
        """How the attacks are dosed that are run in a domain of the condition."""
        return tuple(one for one in self.protocol.attacker.schedules if any(map(one.runs_in, self.domains)))

    @property
    def facts(self) -> ReplicateFacts:
        """What the outcome follows from."""
        return ReplicateFacts(
            tally=tally(self.defended),
            levels=self.levels,
            unequal=bool(self.unequal),
            exhausted=self.seeds.exhausted,
            unsearched=bool(self.unsearched),
        )

    @property
    def as_configured(self) -> bool:
        """Whether it holds against the attacks as they are configured, and no more is shown."""
        decidable = not (self.unequal or self.seeds.exhausted)
        return decidable and bool(self.unsearched) and self.facts.decision == "upheld"

    @property
    def powerless(self) -> tuple[str, ...]:
        """Attacks that do not break M alone wherever the condition has them run, or whose sham does not pass.

        None where there is no M.
        """
        if not self.undefended:
            return ()
        without = uncontrolled(self.assay, "undefended")
        return tuple(
            schedule.attack
            for schedule in self.schedules
            if schedule.attack in without
            or not all(
                breaks(self.undefended, self.levels, schedule.attack, domain)
                for domain in self.domains
                if schedule.runs_in(domain)
            )
        )
