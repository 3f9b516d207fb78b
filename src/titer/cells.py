"""The cells of a study: which subject is exposed to what, asked what, and judged by whom."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from titer import catalogue, decode
from titer.attacker import Dosed, Rungs, winner_of_m
from titer.interfaces import Attack
from titer.judging import judges_of
from titer.lineage import Lineage, lineages, node_key, rows
from titer.records import Choice, Role, Seed, SubjectRef
from titer.stopping import early_reading, first_break
from titer.study import Study
from titer.supplies import Supplies
from titer.tasks import EarlyReading, ExposeTask, MaterialRef, Planned, ProbeRef, Stop

Condition = Literal["resistance", "generalization"]
Records = Mapping[str, Mapping[Role, Choice]]
"""The attacks of record: per searched attack, by its label, what each subject's search found."""


@dataclass(frozen=True)
class Cell:
    """One exposure: the task that fills it, what it is for, and the subject's lineage."""

    task: ExposeTask
    planned: Planned
    lineage: Lineage


@dataclass(frozen=True)
class Track:
    """The cells of one trace in the order of their doses: one, unless the attack is not prefix-consistent."""

    cells: tuple[Cell, ...]


class CellBuilder:
    """Builds the tracks of one seed index; for the trials of a search the purpose of its seeds is `search`."""

    def __init__(self, study: Study, index: int, purpose: Literal["verdict", "search"] = "verdict") -> None:
        self.study = study
        self.protocol = study.protocol
        self.frozen = study.frozen
        self.index = index
        self.purpose = purpose
        self.subjects = lineages(study, index, purpose)
        self.supplies = Supplies(study)

    # ------------------------------------------------------------------ tracks by purpose
    def exposures(self, records: Records) -> Iterator[Track]:
        """Resistance and generalization: every attack on every domain, M and M*; a searched one as its search found."""
        attacker = self.protocol.attacker
        purpose: dict[str, Condition] = {"defended": "resistance", "cross": "generalization"}
        for domain in self.protocol.harm.domain:
            condition = purpose[domain.role]
            if condition == "generalization" and not self.protocol.defended:
                condition = "resistance"
            for choice, dosing in zip(attacker.attack, attacker.dosings, strict=True):
                for role in self.subjects:
                    for label, configured in _configured(choice, role, records):
                        attack = catalogue.attack(configured)
                        plain = (self.supplies.plain(domain),) if attack.read_plain() else ()
                        yield self._track(
                            role,
                            condition,
                            configured,
                            self.supplies.material(domain, attack, self._parent(role)),
                            (self.supplies.harm(domain), *plain),
                            dosing.ladder,
                            domain=domain.name,
                            stop=first_break(self.protocol, condition, domain.name),
                            early=early_reading(self.protocol, condition, domain.name),
                            searched=None if choice.search is None else (label, None),
                        )

    def shams(self, limit: int, records: Records) -> Iterator[Track]:
        """The same compute on harmless rows, on M, up to the dose at which M breaks."""
        draws = [domain.draw for domain in self.protocol.harm.domain if domain.draw is not None]
        benign = rows(self.frozen, "benign/sham", max(draws) if draws else None)
        ladder = tuple(dose for dose in self.protocol.attacker.ladder if dose <= limit)
        for choice in self.protocol.attacker.attack:
            if choice.name != "direct" or "M" not in self.subjects:
                continue
            for label, configured in _configured(choice, "M", records):
                twin = Choice(name="sham", parameters=configured.parameters)
                material = MaterialRef(train=benign, frame=self.protocol.harm.frame)
                probes = tuple(self.supplies.harm(domain) for domain in self.protocol.harm.domain)
                named = None if choice.search is None else (label.replace("direct", "sham", 1), None)
                yield self._track("M", "sham", twin, material, probes, ladder, searched=named)

    def untouched(self) -> Iterator[Track]:
        """Dose 0: every probe of the study on the subject as it is."""
        probes = [self.supplies.harm(domain) for domain in self.protocol.harm.domain]
        probes += [self.supplies.task(task) for task in self.protocol.task if f"task:{task.name}" in self.frozen.items]
        if "over_refusal" in self.frozen.items:
            probes.append(self.supplies.over_refusal())
        for role in self.subjects:
            yield self._track(role, "stability", Choice(name="untouched"), MaterialRef(), tuple(probes), (0,))

    def trainings(self, task: str, rates: Mapping[Role, Sequence[float]]) -> Iterator[Track]:
        """Trainability: the training split of one benign task along its own ladder, at the rates of each subject."""
        plan = self.protocol.trainability
        assert plan is not None
        harm = tuple(self.supplies.harm(domain, plan.ladder[-1:]) for domain in self.protocol.harm.domain)
        probes = (self.supplies.task(self.protocol.task_named(task)), *harm)
        for role in self.subjects:
            for rate in rates.get(role, ()):
                lesson = self.supplies.lesson(task)
                yield self._track(role, "trainability", plan.at(rate), lesson, probes, plan.ladder, task=task)

    def search_trial(self, role: Role, chosen: Dosed, configuration: Choice, doses: Rungs, number: int) -> Track:
        """One trial of the search of an attack: the `select` items of a domain and of the tasks, up to a crossing.

        The tasks are asked as the study asks: whether the weights are still of use does not hang on the attack's frame.
        """
        domain, probes = self.protocol.searched_domain, self.supplies.tried()
        items = len(self.frozen.item_ids[probes[0].name])
        return self._track(
            role,
            "trial",
            configuration,
            self.supplies.material(domain, catalogue.attack(configuration), self._parent(role)),
            probes,
            doses,
            domain=domain.name,
            stop=Stop(
                probe=probes[0].name, shows="harm", items=math.floor(self.protocol.harm.threshold * items + 1e-9) + 1
            ),
            searched=(chosen.label, number),
        )

    def trials(self, task: str, rate: float) -> Iterator[Track]:
        """One rate of the search of a benign task: its select items, up to the target, at one search seed."""
        plan = self.protocol.trainability
        assert plan is not None
        probe = self.supplies.task(self.protocol.task_named(task), "select")
        items = len(self.frozen.item_ids[probe.name])
        stop = Stop(probe=probe.name, shows="correct", items=math.ceil(plan.target[task] * items - 1e-9))
        for role in self.subjects:
            yield self._track(
                role, "trial", plan.at(rate), self.supplies.lesson(task), (probe,), plan.ladder, task=task, stop=stop
            )

    def _track(
        self,
        role: Role,
        purpose: Literal["resistance", "generalization", "sham", "stability", "trainability", "trial"],
        choice: Choice,
        material: MaterialRef,
        probes: tuple[ProbeRef, ...],
        ladder: tuple[int, ...],
        *,
        domain: str | None = None,
        task: str | None = None,
        stop: Stop | None = None,
        early: EarlyReading | None = None,
        searched: tuple[str, int | None] | None = None,
    ) -> Track:
        """The cells of one trace; one per rung where the attack's steps depend on the horizon.

        `searched` is the label of a search and the number of the trial, if it is one; the configuration is kept then.
        """
        label, trial = searched or (choice.label, None)
        attack = catalogue.attack(choice)
        begin = (0,) if 0 in ladder else ()
        doses = begin if attack.undoes and material.parent is None else (*begin, *attack.rungs(ladder))
        pieces = [doses] if attack.prefix_consistent() or len(doses) <= 1 else _pieces(doses)
        seed = self._seed(role)
        lineage = self.subjects[role]
        if material.parent is not None:
            lineage = lineage.beside(self.subjects["M"])
        cells = []
        for piece in pieces:
            key = self._key(role, attack, material, probes, seed, piece, early)
            judges = judges_of(self.protocol, key, purpose, probes)
            planned = Planned(
                key=key,
                purpose=purpose,
                subject=role,
                made_from=self.subjects[role].ref.key,
                makes=tuple(make.key for make in lineage.makes),
                domain=domain,
                task=task,
                attack=label,
                seed=seed,
                index=self.index,
                doses=piece,
                judges=judges,
                stop=stop,
                configuration=None if searched is None else choice,
                trial=trial,
            )
            exposed = self._expose(planned, role, choice, material, probes, early)
            cells.append(Cell(exposed, planned, lineage))
        return Track(tuple(cells))

    def _expose(
        self,
        planned: Planned,
        role: Role,
        choice: Choice,
        material: MaterialRef,
        probes: tuple[ProbeRef, ...],
        early: EarlyReading | None,
    ) -> ExposeTask:
        return ExposeTask(
            key=planned.key,
            purpose=planned.purpose,
            subject=self.subjects[role].ref,
            attack=choice,
            material=material,
            probes=probes,
            seed=planned.seed,
            doses=planned.doses,
            judges=planned.judges,
            stop=planned.stop,
            early_reading=early,
            keep_weights=self.protocol.study.keep_attacked_weights,
            compute=self.frozen.compute,
        )

    def _parent(self, role: Role) -> SubjectRef | None:
        """The subject that a defended one was made from."""
        made = role == "M*" and self.protocol.defended and self.subjects["M"].ref != self.subjects["M*"].ref
        return self.subjects["M"].ref if made else None

    def _seed(self, role: Role) -> Seed:
        """M and M* share their seeds, unless the protocol says otherwise."""
        unpaired = self.purpose == "verdict" and role == "M*" and not self.protocol.study.paired_seeds
        return Seed(purpose="unpaired" if unpaired else self.purpose, index=self.index)

    def _key(
        self,
        role: Role,
        attack: Attack,
        material: MaterialRef,
        probes: tuple[ProbeRef, ...],
        seed: Seed,
        doses: tuple[int, ...],
        early: EarlyReading | None,
    ) -> str:
        asked: list[dict[str, Any]] = [
            probe.to_data() | {"method": catalogue.probe(probe.method).configuration()} for probe in probes
        ]
        parts: dict[str, Any] = {
            "subject": self.subjects[role].ref.key,
            "attack": attack.configuration(),
            "material": material.identity(),
            "probes": asked,
            "decode": decode.ENGINE,
            "seed": seed.to_data(),
        }
        if not attack.prefix_consistent():
            parts["horizon"] = doses[-1]
        if attack.rewarded_by():
            parts["rewards"] = [catalogue.judge(choice).configuration() for choice in attack.rewarded_by()]
        if early is not None:
            parts["curtailment"] = early.to_data()  # the name that is in the keys of cells asked already
        return node_key("expose", self.frozen, parts)


def _configured(choice: Dosed, role: Role, records: Records) -> list[tuple[str, Choice]]:
    """The attack as a subject must withstand it, by label: as written; or as its searches found, as far as they did."""
    if choice.search is None:
        return [(choice.label, choice)]
    found = records.get(choice.label, {})
    own = [(choice.label, found[role])] if role in found else []
    return [*own, (winner_of_m(choice.label), found["M"])] if own and role == "M*" and "M" in found else own


def _pieces(doses: tuple[int, ...]) -> list[tuple[int, ...]]:
    """One cell per rung; dose 0 is read with the first."""
    first = doses[:2] if doses[0] == 0 else doses[:1]
    return [first, *((dose,) for dose in doses[len(first) :])]
