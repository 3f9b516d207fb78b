"""One exposure as cells: the task that fills each, its key, its seed, and the subjects that must be made for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from titer.methods import registry
from titer.methods.base import Attack
from titer.models import generation
from titer.planning.judge_tasks import judges_of
from titer.planning.lineage import Lineage, lineages, node_key
from titer.records import Choice, Role, Seed, SubjectRef
from titer.study.folder import Study
from titer.study.tasks import EarlyDecision, ExposeTask, MaterialRef, Planned, ProbeRef, Stop


@dataclass(frozen=True)
class Cell:
    """One exposure: the task that fills it, what it is for, and the subject's lineage."""

    task: ExposeTask
    planned: Planned
    lineage: Lineage


@dataclass(frozen=True)
class Track:
    """The cells of one curve in the order of their doses: one, unless the attack is not prefix-consistent."""

    cells: tuple[Cell, ...]


@dataclass(frozen=True, kw_only=True)
class Exposure:
    """Who is exposed to what, fed with what, asked what, at which doses, and what ends it.

    `search` is the label of the search that the configuration comes from, and `trial` its number, if it is a trial
    of that search; the configuration is kept then.
    """

    subject: Role
    purpose: Literal["resistance", "generalization", "sham", "stability", "trainability", "trial"]
    attack: Choice
    material: MaterialRef
    probes: tuple[ProbeRef, ...]
    ladder: tuple[int, ...]
    domain: str | None = None
    task: str | None = None
    stop: Stop | None = None
    early: EarlyDecision | None = None
    search: str | None = None
    trial: int | None = None


class TrackBuilder:
    """Turns exposures into tracks for one seed index, whose purpose is `search` for the trials of a search."""

    def __init__(self, study: Study, index: int, purpose: Literal["verdict", "search"]) -> None:
        self.study = study
        self.index = index
        self.purpose = purpose
        self.subjects = lineages(study, index, purpose)

    def track(self, exposure: Exposure) -> Track:
        """The cells of one curve; one per dose where the attack's steps depend on the horizon."""
        attack = registry.attack(exposure.attack)
        ladder, material = exposure.ladder, exposure.material
        begin = (0,) if 0 in ladder else ()
        unfit = attack.requires.parent == "needed" and material.parent is None
        doses = begin if unfit else (*begin, *attack.doses(ladder))
        pieces = [doses] if attack.prefix_consistent() or len(doses) <= 1 else _pieces(doses)
        lineage = self.subjects[exposure.subject]
        if material.parent is not None:
            lineage = lineage.beside(self.subjects["undefended"])
        cells = []
        for piece in pieces:
            planned = self._planned(exposure, attack, lineage, piece)
            cells.append(Cell(self._task(exposure, planned), planned, lineage))
        return Track(tuple(cells))

    def parent(self, role: Role) -> SubjectRef | None:
        """The subject that a defended one was made from."""
        defended = self.study.protocol.defended
        made = role == "defended" and defended and self.subjects["undefended"].ref != self.subjects["defended"].ref
        return self.subjects["undefended"].ref if made else None

    def _planned(self, exposure: Exposure, attack: Attack, lineage: Lineage, doses: tuple[int, ...]) -> Planned:
        seed = self._seed(exposure.subject)
        key = self._key(exposure, attack, seed, doses)
        return Planned(
            key=key,
            purpose=exposure.purpose,
            subject=exposure.subject,
            made_from=self.subjects[exposure.subject].ref.key,
            makes=tuple(make.key for make in lineage.makes),
            domain=exposure.domain,
            task=exposure.task,
            attack=exposure.attack.label if exposure.search is None else exposure.search,
            seed=seed,
            index=self.index,
            doses=doses,
            judges=judges_of(self.study.protocol, key, exposure.purpose, exposure.probes),
            stop=exposure.stop,
            configuration=None if exposure.search is None else exposure.attack,
            trial=exposure.trial,
        )

    def _task(self, exposure: Exposure, planned: Planned) -> ExposeTask:
        return ExposeTask(
            key=planned.key,
            purpose=planned.purpose,
            subject=self.subjects[exposure.subject].ref,
            attack=exposure.attack,
            material=exposure.material,
            probes=exposure.probes,
            seed=planned.seed,
            doses=planned.doses,
            judges=planned.judges,
            stop=planned.stop,
            early_decision=exposure.early,
            keep_weights=self.study.protocol.study.keep_attacked_weights,
            compute=self.study.frozen.compute,
        )

    def _seed(self, role: Role) -> Seed:
        """M and M* share their seeds, unless the protocol says otherwise."""
        unpaired = self.purpose == "verdict" and role == "defended" and not self.study.protocol.study.paired_seeds
        return Seed(purpose="unpaired" if unpaired else self.purpose, index=self.index)

    def _key(self, exposure: Exposure, attack: Attack, seed: Seed, doses: tuple[int, ...]) -> str:
        asked: list[dict[str, Any]] = [
            probe.to_data() | {"method": registry.probe(probe.method).configuration()} for probe in exposure.probes
        ]
        parts: dict[str, Any] = {
            "subject": self.subjects[exposure.subject].ref.key,
            "attack": attack.configuration(),
            "material": exposure.material.identity(),
            "probes": asked,
            "decode": generation.ENGINE,
            "seed": seed.to_data(),
        }
        if not attack.prefix_consistent():
            parts["horizon"] = doses[-1]
        if judges := attack.requires.judges:
            parts["rewards"] = [registry.judge(choice).configuration() for choice in judges]
        if exposure.early is not None:
            parts["curtailment"] = exposure.early.to_data()  # the name that is in the keys of cells asked already
        return node_key("expose", self.study.frozen, parts)


def _pieces(doses: tuple[int, ...]) -> list[tuple[int, ...]]:
    """One cell per dose; dose 0 is read with the first."""
    first = doses[:2] if doses[0] == 0 else doses[:1]
    return [first, *((dose,) for dose in doses[len(first) :])]
