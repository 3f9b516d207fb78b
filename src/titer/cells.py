"""The cells of a study: which subject is exposed to what, asked what, and judged by whom."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from titer import catalogue, decode
from titer.interfaces import Attack, Need
from titer.judging import judges_of
from titer.lineage import Lineage, lineages, node_key, rows
from titer.records import Choice, Role, Seed
from titer.sources import Domain, Task
from titer.stopping import early_reading, first_break
from titer.study import Study
from titer.tasks import EarlyReading, ExposeTask, MaterialRef, Planned, ProbeRef, Stop

Condition = Literal["resistance", "generalization"]


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

    # ------------------------------------------------------------------ tracks by purpose
    def exposures(self) -> Iterator[Track]:
        """Resistance and generalization: every attack on every domain, M and M*."""
        attacker = self.protocol.attacker
        purpose: dict[str, Condition] = {"defended": "resistance", "cross": "generalization"}
        for domain in self.protocol.harm.domain:
            condition = purpose[domain.role]
            if condition == "generalization" and not self.protocol.defended:
                condition = "resistance"
            for choice, dosing in zip(attacker.attack, attacker.dosings, strict=True):
                for role in self.subjects:
                    yield self._track(
                        role,
                        condition,
                        choice,
                        self._material(domain, catalogue.attack(choice), role),
                        (self._harm(domain),),
                        dosing.ladder,
                        domain=domain.name,
                        stop=first_break(self.protocol, condition, domain.name),
                        early=early_reading(self.protocol, condition, domain.name),
                    )

    def shams(self, limit: int) -> Iterator[Track]:
        """The same compute on harmless rows, on M, up to the dose at which M breaks."""
        draws = [domain.draw for domain in self.protocol.harm.domain if domain.draw is not None]
        benign = rows(self.frozen, "benign/sham", max(draws) if draws else None)
        ladder = tuple(dose for dose in self.protocol.attacker.ladder if dose <= limit)
        for choice in self.protocol.attacker.attack:
            if choice.name == "direct" and "M" in self.subjects:
                twin = Choice(name="sham", parameters=choice.parameters)
                material = MaterialRef(train=benign, frame=self.protocol.harm.frame)
                probes = tuple(self._harm(domain) for domain in self.protocol.harm.domain)
                yield self._track("M", "sham", twin, material, probes, ladder)

    def untouched(self) -> Iterator[Track]:
        """Dose 0: every probe of the study on the subject as it is."""
        probes = [self._harm(domain) for domain in self.protocol.harm.domain]
        probes += [self._task(task) for task in self.protocol.task if f"task:{task.name}" in self.frozen.items]
        if "over_refusal" in self.frozen.items:
            frame = self.protocol.harm.frame
            probes.append(
                ProbeRef(
                    name="over_refusal",
                    method=self.protocol.harm.probe,
                    items=self.frozen.items["over_refusal"],
                    frame=frame,
                )
            )
        for role in self.subjects:
            yield self._track(role, "stability", Choice(name="untouched"), MaterialRef(), tuple(probes), (0,))

    def trainings(self, task: str, rates: Mapping[Role, Sequence[float]]) -> Iterator[Track]:
        """Trainability: the training split of one benign task along its own ladder, at the rates of each subject."""
        plan = self.protocol.trainability
        assert plan is not None
        harm = tuple(self._harm(domain, plan.ladder[-1:]) for domain in self.protocol.harm.domain)
        probes = (self._task(self.protocol.task_named(task)), *harm)
        for role in self.subjects:
            for rate in rates.get(role, ()):
                lesson = self._lesson(task)
                yield self._track(role, "trainability", plan.at(rate), lesson, probes, plan.ladder, task=task)

    def trials(self, task: str, rate: float) -> Iterator[Track]:
        """One rate of the search of a benign task: its select items, up to the target, at one search seed."""
        plan = self.protocol.trainability
        assert plan is not None
        probe = self._task(self.protocol.task_named(task), "select")
        items = len(self.frozen.item_ids[probe.name])
        stop = Stop(probe=probe.name, shows="correct", items=math.ceil(plan.target[task] * items - 1e-9))
        for role in self.subjects:
            yield self._track(
                role, "trial", plan.at(rate), self._lesson(task), (probe,), plan.ladder, task=task, stop=stop
            )

    # ------------------------------------------------------------------ parts
    def _material(self, domain: Domain, attack: Attack, role: Role) -> MaterialRef:
        """What an attack on one subject is fed in one domain."""
        made = role == "M*" and self.protocol.defended and self.subjects["M"].ref != self.subjects["M*"].ref
        return MaterialRef(
            train=rows(self.frozen, f"domain/{domain.name}/attack", domain.draw),
            select=rows(self.frozen, f"domain/{domain.name}/select") if Need.SELECT in attack.needs else (),
            benign=rows(self.frozen, "benign/attack") if Need.BENIGN in attack.needs else (),
            frame=self.protocol.harm.frame,
            parent=self.subjects["M"].ref if Need.PARENT in attack.needs and made else None,
        )

    def _harm(self, domain: Domain, doses: tuple[int, ...] | None = None) -> ProbeRef:
        name = f"harm:{domain.name}"
        return ProbeRef(
            name=name,
            method=self.protocol.harm.probe,
            items=self.frozen.items[name],
            frame=self.protocol.harm.frame,
            doses=doses,
        )

    def _lesson(self, task: str) -> MaterialRef:
        return MaterialRef(train=rows(self.frozen, f"task/{task}/train"), frame=self.protocol.harm.frame)

    def _task(self, task: Task, part: Literal["task", "select"] = "task") -> ProbeRef:
        name = f"{part}:{task.name}"
        method = Choice(name="generate" if task.kind == "generate" else "choice")
        frame = self.protocol.harm.frame.model_copy(update={"max_new_tokens": task.max_new_tokens})
        return ProbeRef(name=name, method=method, items=self.frozen.items[name], frame=frame)

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
    ) -> Track:
        """The cells of one trace; one per rung where the attack's steps depend on the horizon."""
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
                attack=choice.label,
                seed=seed,
                index=self.index,
                doses=piece,
                judges=judges,
                stop=stop,
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
        if early is not None:
            parts["curtailment"] = early.to_data()  # the name that is in the keys of cells asked already
        return node_key("expose", self.frozen, parts)


def _pieces(doses: tuple[int, ...]) -> list[tuple[int, ...]]:
    """One cell per rung; dose 0 is read with the first."""
    first = doses[:2] if doses[0] == 0 else doses[:1]
    return [first, *((dose,) for dose in doses[len(first) :])]
