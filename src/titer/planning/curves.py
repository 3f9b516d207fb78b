"""How one curve is cut into cells: the task that fills each, its key, its seed, and the makes that come before it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from titer.methods import registry
from titer.methods.base import Attack
from titer.models import generation
from titer.planning.lineage import Lineage, lineages, node_key
from titer.records import CellPurpose, Choice, Role, Seed, SubjectRef
from titer.study.folder import Study
from titer.study.tasks import CellInputs, CellSpec, EarlyDecision, ExposeTask, MaterialRef, ProbeAt, ProbeRef, Stop


@dataclass(frozen=True)
class PlannedCell:
    """A cell with the task that fills it and the lineage of its subject."""

    task: ExposeTask
    lineage: Lineage

    @property
    def spec(self) -> CellSpec:
        """What the cell is."""
        return self.task.cell


@dataclass(frozen=True)
class PlannedCurve:
    """The cells of one curve in the order of their doses: one, unless the attack is not prefix-consistent."""

    cells: tuple[PlannedCell, ...]

    @property
    def spec(self) -> CellSpec:
        """The first of its cells, which says what the curve is for."""
        return self.cells[0].spec

    @property
    def specs(self) -> tuple[CellSpec, ...]:
        """What its cells are."""
        return tuple(cell.spec for cell in self.cells)

    @property
    def name(self) -> tuple[str, ...]:
        """What tells it apart in a study: one configuration may stand under two labels."""
        return (self.spec.purpose, self.spec.attack, self.spec.key)


@dataclass(frozen=True, kw_only=True)
class Exposure:
    """What is wanted of one curve, before it is cut into cells.

    `label` is what it stands under where that is not the label of its configuration, which is kept then: of a search,
    whose `trial` it may be, or of a sham.
    """

    subject: Role
    purpose: CellPurpose
    attack: Choice
    material: MaterialRef
    probes: tuple[ProbeRef, ...]
    ladder: tuple[int, ...]
    domain: str | None = None
    task: str | None = None
    stop: Stop | None = None
    early: EarlyDecision | None = None
    label: str | None = None
    trial: int | None = None


class CurveBuilder:
    """Cuts exposures into cells for one seed index, whose purpose is `search` for the trials of a search."""

    def __init__(self, study: Study, index: int, purpose: Literal["verdict", "search"]) -> None:
        self.study = study
        self.index = index
        self.purpose = purpose
        self.subjects = lineages(study, index, purpose)

    def curve(self, exposure: Exposure) -> PlannedCurve:
        """The cells of one curve; one for each dose where the attack's steps depend on the horizon."""
        attack = registry.attack(exposure.attack)
        ladder, material = exposure.ladder, exposure.material
        begin = (0,) if 0 in ladder else ()
        unfit = attack.requires.parent == "needed" and material.parent is None
        doses = begin if unfit else (*begin, *attack.doses(ladder))
        pieces = [doses] if attack.prefix_consistent() or len(doses) <= 1 else _pieces(doses)
        lineage = self.subjects[exposure.subject]
        if material.parent is not None:
            lineage = lineage.beside(self.subjects["undefended"])
        return PlannedCurve(
            tuple(PlannedCell(self._task(exposure, attack, lineage, piece), lineage) for piece in pieces)
        )

    def parent(self, role: Role) -> SubjectRef | None:
        """The subject that a defended one was made from."""
        if role != "defended" or not self.study.protocol.defended:
            return None
        undefended = self.subjects["undefended"].ref
        return undefended if undefended != self.subjects["defended"].ref else None

    def _task(self, exposure: Exposure, attack: Attack, lineage: Lineage, doses: tuple[int, ...]) -> ExposeTask:
        """The task that fills one cell."""
        subject, frozen = self.subjects[exposure.subject].ref, self.study.frozen
        seed = self._seed(exposure.subject)
        cell = CellSpec(
            key=self._key(exposure, attack, seed, doses),
            purpose=exposure.purpose,
            subject=exposure.subject,
            model=subject.key,
            makes=tuple(make.key for make in lineage.makes),
            domain=exposure.domain,
            task=exposure.task,
            attack=exposure.attack.label if exposure.label is None else exposure.label,
            seed=seed,
            index=self.index,
            doses=doses,
            probes=tuple(ProbeAt(probe=probe.name, doses=probe.doses) for probe in exposure.probes),
            stop=exposure.stop,
            configuration=None if exposure.label is None else exposure.attack,
            trial=exposure.trial,
        )
        inputs = CellInputs(
            subject=subject,
            attack=exposure.attack,
            material=exposure.material,
            probes=exposure.probes,
            judges=frozen.judges_of(cell),
            early_decision=exposure.early,
            keep_weights=self.study.protocol.study.keep_attacked_weights,
            compute=frozen.compute,
        )
        return ExposeTask(cell=cell, inputs=inputs)

    def _seed(self, role: Role) -> Seed:
        """Both subjects share their seeds, unless the protocol says otherwise."""
        paired = self.study.protocol.study.paired_seeds
        unpaired = self.purpose == "verdict" and role == "defended" and not paired
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
    """One cell for each dose; dose 0 is read with the first."""
    first = doses[:2] if doses[0] == 0 else doses[:1]
    return [first, *((dose,) for dose in doses[len(first) :])]
