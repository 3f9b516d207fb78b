"""The cells of a study: which subject is exposed to what, asked what, and judged by whom."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

from titer.analysis.stopping import early_decision, first_break
from titer.data.identifiers import ProbeId
from titer.methods import registry
from titer.methods.roles import BASELINE
from titer.planning.attack_facts import reframes
from titer.planning.curves import CurveBuilder, Exposure, PlannedCurve
from titer.planning.inputs import Supplies
from titer.protocol.attacker import AttackChoice, DoseSchedule, winner_of_m
from titer.protocol.data_sources import DomainConfig
from titer.protocol.exposure import Condition, condition_of, domains_of
from titer.protocol.schema import Protocol
from titer.records import Choice, Role
from titer.study.folder import Study
from titer.study.tasks import EarlyDecision, MaterialRef, Stop

SelectedAttacks = Mapping[str, Mapping[Role, Choice]]
"""The selected attacks: per searched attack, by its label, what each subject's search found."""


class Endings:
    """What ends the curves of each domain of a study, and how a dose of them is decided early: found once."""

    def __init__(self, protocol: Protocol) -> None:
        self.protocol = protocol
        self._known: dict[str, tuple[Stop, EarlyDecision | None]] = {}

    def of(self, domain: str, place: int | None) -> tuple[Stop, EarlyDecision | None]:
        """The stop and the early decision of one domain, as asked of the items of one place."""
        probe = ProbeId.of("harm", domain, place=place)
        if probe not in self._known:
            self._known[probe] = (first_break(self.protocol, probe), early_decision(self.protocol, probe))
        return self._known[probe]


class CellBuilder:
    """Builds the curves of one seed index; for the trials of learning rates the purpose of its seeds is `search`.

    Args:
        study: the study.
        index: the seed index.
        purpose: what the seeds are for.
        endings: what ends the curves of each domain, shared by the builders of a study.
    """

    def __init__(
        self,
        study: Study,
        index: int,
        purpose: Literal["verdict", "search"] = "verdict",
        endings: Endings | None = None,
    ) -> None:
        self.endings = endings or Endings(study.protocol)
        self.protocol = study.protocol
        self.study = study
        self.supplies = Supplies(study)
        self.builder = CurveBuilder(study, index, purpose)
        self.subjects = self.builder.subjects

    def exposures(self, condition: Condition, place: int, records: SelectedAttacks) -> Iterator[PlannedCurve]:
        """Resistance or generalization: every attack on every domain, M and M*; a searched one as its search found."""
        attacker = self.protocol.attacker
        for domain in domains_of(self.protocol, condition):
            for choice, schedule in zip(attacker.attack, attacker.schedules, strict=True):
                if not schedule.runs_in(domain.name):
                    continue
                for role in self.subjects:
                    for label, configured in _configured(choice, role, records):
                        named = None if choice.search is None else label
                        yield self._exposed(domain, place, role, configured, schedule, named)

    def _exposed(
        self,
        domain: DomainConfig,
        place: int,
        role: Role,
        configured: Choice,
        schedule: DoseSchedule,
        label: str | None,
    ) -> PlannedCurve:
        """One subject under one attack, asked the harmful prompts of one domain."""
        own = self._own(place)
        stop, early = self.endings.of(domain.name, own)
        attack = registry.attack(configured)
        beside = [self.supplies.plain(domain, place=own)] if attack.requires.plain else []
        beside += [self.supplies.reframed(domain, attack, place=own)] if reframes(attack, self.supplies.frame) else []
        return self.builder.curve(
            Exposure(
                subject=role,
                purpose=condition_of(self.protocol, domain.name),
                attack=configured,
                material=self.supplies.material(domain, attack, self.builder.parent(role)),
                probes=(self.supplies.harm(domain, place=own), *beside),
                ladder=schedule.ladder,
                domain=domain.name,
                stop=stop,
                early=early,
                label=label,
            )
        )

    def _own(self, place: int) -> int | None:
        """The place whose items are asked, where each has its own."""
        return place if self.protocol.harm.items == "own" else None

    def sham(
        self, role: Role, choice: AttackChoice, limit: int, places: Mapping[str, int], records: SelectedAttacks
    ) -> Iterator[PlannedCurve]:
        """The same training on harmless rows, of a subject under its own selected attack.

        It accompanies the curves of the attack at this seed index: none where the attack has no curve at it.

        Args:
            role: the subject.
            choice: the attack.
            limit: the dose up to which it goes.
            places: the place of this seed index by domain.
            records: what the searches found.
        """
        schedule = self.protocol.attacker.schedule_of(choice.label)
        asked = [d for d in self.protocol.harm.domain if d.name in places and schedule.runs_in(d.name)]
        for label, configured in _configured(choice, role, records)[:1] if asked else ():
            attack = registry.attack(configured)
            material = self.supplies.material(self.protocol.searched_domain, attack, self.builder.parent(role))
            yield self.builder.curve(
                Exposure(
                    subject=role,
                    purpose="sham",
                    attack=Choice(name=configured.name, parameters=configured.parameters),
                    material=self.supplies.sham(material, attack),
                    probes=tuple(self.supplies.harm(domain, place=self._own(places[domain.name])) for domain in asked),
                    ladder=tuple(dose for dose in schedule.ladder if dose <= limit),
                    label=self.study.frozen.attacks[label].sham,
                )
            )

    def baseline(self) -> Iterator[PlannedCurve]:
        """Dose 0: every probe that the study has items for, on the subject as it is.

        A task with items of its own is asked those of its place; beyond the places stability reads nothing.
        """
        items, supplies, domains = self.study.frozen.items, self.supplies, self.protocol.harm.domain
        place = self.builder.index - self.protocol.study.seeds.first
        probes = [supplies.harm(domain) for domain in domains if ProbeId.of("harm", domain.name) in items]
        for task in self.protocol.task:
            own = place if self.protocol.asks_by_place(task) else None
            if ProbeId.of("task", task.name, place=own) in items:
                probes.append(supplies.task(task, place=own))
        harmless: tuple[Literal["over_refusal", "usable"], ...] = ("over_refusal", "usable")
        probes += [supplies.harmless(kind) for kind in harmless if ProbeId.of(kind) in items]
        probes += [supplies.harmful(domain) for domain in domains if ProbeId.of("harmful", domain.name) in items]
        for role in self.subjects:
            yield self.builder.curve(
                Exposure(
                    subject=role,
                    purpose="stability",
                    attack=Choice(name=BASELINE),
                    material=MaterialRef(),
                    probes=tuple(probes),
                    ladder=(0,),
                )
            )

    def trainings(self, task: str, place: int, rates: Mapping[Role, Sequence[float]]) -> Iterator[PlannedCurve]:
        """Trainability: the training split of one benign task along its own ladder, at the rates of each subject."""
        plan = self.protocol.trainability
        assert plan is not None
        own = self._own(place)
        harm = tuple(self.supplies.harm(domain, plan.ladder[-1:], place=own) for domain in self.protocol.harm.domain)
        for role in self.subjects:
            for rate in rates.get(role, ()):
                yield self.builder.curve(
                    Exposure(
                        subject=role,
                        purpose="trainability",
                        attack=plan.at(rate),
                        material=self.supplies.lesson(task),
                        probes=(self.supplies.task(self.protocol.task_named(task)), *harm),
                        ladder=plan.ladder,
                        task=task,
                    )
                )

    def trials(self, task: str, rate: float) -> Iterator[PlannedCurve]:
        """One rate of the search of a benign task: its select items, on the whole ladder, at one search seed."""
        plan = self.protocol.trainability
        assert plan is not None
        probe = self.supplies.task(self.protocol.task_named(task), "select")
        for role in self.subjects:
            yield self.builder.curve(
                Exposure(
                    subject=role,
                    purpose="trial",
                    attack=plan.at(rate),
                    material=self.supplies.lesson(task),
                    probes=(probe,),
                    ladder=plan.ladder,
                    task=task,
                )
            )


def _configured(choice: AttackChoice, role: Role, records: SelectedAttacks) -> list[tuple[str, Choice]]:
    """The attack as a subject must withstand it, by label: as written; or as its searches found, as far as they did."""
    if choice.search is None:
        return [(choice.label, choice)]
    found = records.get(choice.label, {})
    own = [(choice.label, found[role])] if role in found else []
    return (
        [*own, (winner_of_m(choice.label), found["undefended"])]
        if own and role == "defended" and "undefended" in found
        else own
    )
