"""What is to be done, as frozen records: cells and the tasks that fill them, and what became of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from pydantic import Field

from titer.data.identifiers import ProbeId
from titer.records import CellPurpose, Choice, Compute, Frame, Kind, Outcome, Record, Role, Seed, SubjectRef


class RowsRef(Record):
    """Rows by the digest of their file in the store; `draw` of them per seed, all when None."""

    digest: str
    draw: int | None = None


class MaterialRef(Record):
    """What a method is fed, by role as in `Material`, the frame of the study, and the subject before the defense.

    `lenders` are rows whose refusals those to train on are given, one after another.
    """

    train: tuple[RowsRef, ...] = ()
    lenders: tuple[RowsRef, ...] = Field(default=(), exclude_if=lambda refs: not refs)
    select: tuple[RowsRef, ...] = Field(default=(), exclude_if=lambda refs: not refs)
    harmful: tuple[RowsRef, ...] = ()
    benign: tuple[RowsRef, ...] = ()
    frame: Frame = Frame()
    parent: SubjectRef | None = Field(default=None, exclude_if=lambda parent: parent is None)

    def identity(self) -> dict[str, Any]:
        """What of it enters a key: a parent by its own key, wherever it lies."""
        return self.to_data() | ({"parent": self.parent.key} if self.parent else {})


class ProbeRef(Record):
    """A probe as a cell asks it: its name in the study, its method, its items by digest.

    `doses` are those at which it is asked, all of the cell's when None. One that is `plain` is asked in this frame
    whatever the attack makes of it.
    """

    name: ProbeId
    method: Choice
    items: str
    frame: Frame
    doses: tuple[int, ...] | None = None
    plain: bool = Field(default=False, exclude_if=lambda plain: not plain)

    def asked_at(self, doses: Sequence[int]) -> tuple[int, ...]:
        """Those of some doses at which it is asked."""
        return tuple(dose for dose in doses if self.doses is None or dose in self.doses)


class MakeTask(Record):
    """Make a subject: parent, defense, material, seed. `role` says what for."""

    kind: Literal["make"] = "make"
    key: str
    role: str
    parent: SubjectRef
    defense: Choice | None
    material: MaterialRef
    seed: Seed
    compute: Compute


class Stop(Record):
    """When no later dose is wanted: `items` of the named probe are shown harmful and coherent, or answered right.

    `earlier` are pairs (asked, items): how many show it where no more were asked, by a look at so many.
    """

    probe: ProbeId
    shows: Literal["harm", "correct"]
    items: int
    earlier: tuple[tuple[int, int], ...] = ()


class CurtailedSampling(Record):
    """Asking of the named probe ends when no outcome of its other items can change the word of the dose.

    It is intact if at most `intact` items may be harmful, broken if at least `broken` are; None where none suffice.
    """

    probe: ProbeId
    intact: int | None
    broken: int | None
    collapse_counts: bool


class CutOffs(Record):
    """A look at the answers to the first `asked` items; the cut-offs are those of a curtailment."""

    asked: int
    intact: int | None
    broken: int | None


class SequentialSampling(Record):
    """The named probe is asked from look to look, until the cut-offs of one give the word of the dose."""

    probe: ProbeId
    analyses: tuple[CutOffs, ...]
    collapse_counts: bool


EarlyDecision = CurtailedSampling | SequentialSampling
"""How the word of a dose is known before all items of a probe are asked."""


class ProbeAt(Record):
    """A probe that a cell asks, and the doses at which it does: all of the cell's when None."""

    probe: ProbeId
    doses: tuple[int, ...] | None = None

    def at(self, dose: int) -> bool:
        """Whether it is asked at this dose."""
        return self.doses is None or dose in self.doses


class CellSpec(Record):
    """One planned run, under one key: who is exposed to what, asked what, at which doses, and what ends it.

    A line of tasks.jsonl. `subject` is the part it plays, `model` the key of the model that does, `makes` the keys of
    the makes that lead to it; `attack` is a label, `index` the seed index of the replicate, `doses` the ladder it is
    read along and `stop` where that ends. Where a search chose the attack's parameters, `configuration` holds them,
    and `trial` the number of a trial.
    """

    key: str
    purpose: CellPurpose
    subject: Role
    model: str
    makes: tuple[str, ...]
    domain: str | None = None
    task: str | None = None
    attack: str
    seed: Seed
    index: int
    doses: tuple[int, ...]
    probes: tuple[ProbeAt, ...]
    stop: Stop | None = None
    configuration: Choice | None = Field(default=None, exclude_if=lambda chosen: chosen is None)
    trial: int | None = Field(default=None, exclude_if=lambda number: number is None)


class JudgeRef(Record):
    """One judge of one probe of a cell: its scores live under `key`, which the cell, the probe and the judge determine.

    `role` is the part it plays (harm, coherence, second, refusal, correct, loss), `kind` what it reads.
    """

    key: str
    cell: str
    asked: ProbeAt
    items: str
    judge: Choice
    kind: Kind
    role: str

    @property
    def probe(self) -> ProbeId:
        """The probe whose answers it reads."""
        return self.asked.probe


class CellInputs(Record):
    """What fills a cell: the subject, the attack and what it is fed, the probes with their frames, and the judges."""

    subject: SubjectRef
    attack: Choice
    material: MaterialRef
    probes: tuple[ProbeRef, ...]
    judges: tuple[JudgeRef, ...] = ()
    early_decision: EarlyDecision | None = None
    keep_weights: bool = False
    compute: Compute


class ExposeTask(Record):
    """Expose a subject to an attack and ask it the probes at the doses that are missing."""

    kind: Literal["expose"] = "expose"
    cell: CellSpec
    inputs: CellInputs

    @property
    def key(self) -> str:
        """The key of the cell."""
        return self.cell.key


class JudgeTask(Record):
    """Judge the stored answers of a cell at the doses whose scores are missing."""

    kind: Literal["judge"] = "judge"
    key: str
    judges: tuple[JudgeRef, ...]
    doses: tuple[int, ...]
    compute: Compute


Task = MakeTask | ExposeTask | JudgeTask
"""What a worker does."""


class RunStatus(Record):
    """How far the run of a study is: whether nothing is missing, and which seed indices gave way to later ones, why."""

    finished: bool
    replaced: tuple[str, ...]


class Failure(Record):
    """Why a method failed by its own doing."""

    reason: str


class Earlier(Record):
    """The verdict of an earlier study that a study follows, and the seed indices it used, from `first` on.

    `digest` is that of its protocol, `root` that of everything its verdict rests on.
    """

    study: str
    digest: str
    root: str
    outcome: Outcome
    reason: str
    first: int
    indices: int
