"""A study folder: its protocol as read and as frozen, the store it points at, and its lock."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from pydantic import Field

from titer.boundary import check_regular, read_text
from titer.data.identifiers import ProbeId, SplitId
from titer.data.splits import Overlap
from titer.errors import DamagedError, InputError, UnfinishedError
from titer.protocol.attack_families import AttackFacts
from titer.protocol.diagnostics import first_difference
from titer.protocol.loading import load
from titer.protocol.schema import Protocol
from titer.records import Compute, Record, SubjectRef
from titer.study.atomic_files import copy_file, no_link, read_first, read_lines, write_lines
from titer.study.formats import check_format
from titer.study.judging import JudgeSpec, SeenHarm, judges_of
from titer.study.locks import locked
from titer.study.store import Store
from titer.study.store_place import store_of
from titer.study.tasks import CellSpec, Earlier, JudgeRef, RunStatus

PROTOCOL = "protocol.toml"
FROZEN = "frozen.json"
"""What a study began with."""
FORMAT: Final = 2
"""Of that file, and of all that its study writes."""
TASKS, STANDING = "tasks.jsonl", "standing.jsonl"
"""Every cell that was planned, and how far the run is."""
PUT_BACK = "Put it back from a copy, or start a new study in a folder of its own"
CELLS, SCORES = "cells.parquet", "scores.parquet"
"""The tables of a packed study."""


class Frozen(Record):
    """All that plan needs to know, with every input as a digest.

    `rows` and `items` are digests by split and by probe, `judges` who judges, by role and by task. `checkpoints` holds
    the given models by their place in the chain, `bases` by its place in the protocol the model that a defense names as
    the one its subject was aligned from; `tokens` is the mean length of each split and of each probe's
    prompts, `options` the mean number of options; `earlier` are the verdicts that the study follows, oldest first;
    `attacks` has facts of each attack by its label. `titer` is the version that froze it, `optuna` the version that
    proposes what its searches try; None where it searches nothing. `blocks` is how many the subject has. `seen_harm` is
    what the judges made of known texts of each domain that has some; None of a study that began before that was asked.
    """

    format: Literal[2] = FORMAT
    titer: str
    protocol: Protocol
    subject: SubjectRef
    reference: SubjectRef | None
    checkpoints: dict[str, SubjectRef]
    parameters: int | None
    threads: int
    rows: dict[SplitId, str]
    items: dict[ProbeId, str]
    item_ids: dict[ProbeId, tuple[str, ...]]
    judges: dict[str, JudgeSpec]
    tokens: dict[str, float]
    options: dict[str, float]
    overlaps: tuple[Overlap, ...]
    earlier: tuple[Earlier, ...] = ()
    attacks: dict[str, AttackFacts] = Field(default_factory=dict)
    optuna: str | None = Field(default=None, exclude_if=lambda optuna: optuna is None)
    bases: dict[str, SubjectRef] = Field(default_factory=dict, exclude_if=lambda bases: not bases)
    blocks: int | None = Field(default=None, exclude_if=lambda blocks: blocks is None)
    seen_harm: tuple[SeenHarm, ...] | None = Field(default=None, exclude_if=lambda seen: seen is None)

    @property
    def digest(self) -> str:
        """That of the protocol."""
        return self.protocol.digest

    @property
    def compute(self) -> Compute:
        """How numbers are computed: what a task carries."""
        own = self.protocol.compute
        return Compute(device=own.device, dtype=own.dtype, threads=self.threads, batch=own.batch)

    def judges_of(self, cell: CellSpec) -> tuple[JudgeRef, ...]:
        """Who judges what in a cell."""
        return judges_of(self.judges, self.items, cell)


@dataclass(frozen=True)
class Study:
    """A study folder: the protocol as read, as frozen, and the store it points at."""

    folder: Path
    protocol: Protocol
    frozen: Frozen
    store: Store

    @property
    def tasks_file(self) -> Path:
        """Every cell that plan asked for, with its purpose."""
        return self.folder / TASKS

    @property
    def status_file(self) -> Path:
        """How far the run is, and which seed indices were replaced."""
        return self.folder / STANDING

    def locked(self) -> AbstractContextManager[None]:
        """Hold the study for this process: see `locked`."""
        return locked(self.folder)

    def keep_plan(self, cells: tuple[CellSpec, ...], status: RunStatus) -> None:
        """Write down the cells that plan asks for, and how far the run is."""
        known = self.read_cells() if self.tasks_file.exists() else None
        if cells != known:
            write_lines(self.tasks_file, cells)
        if status != self.read_status():
            write_lines(self.status_file, [status])

    def read_status(self) -> RunStatus:
        """How far the run is."""
        if not self.status_file.exists():
            return RunStatus(finished=False, replaced=())
        return RunStatus.from_json(read_first(self.status_file))

    def read_cells(self) -> tuple[CellSpec, ...]:
        """The cells that plan asked for.

        Raises:
            UnfinishedError: if the study was never run.
        """
        if not self.tasks_file.exists():
            why = "it has not been run yet, or a model that all of it rests on could not be made"
            raise UnfinishedError(str(self.folder), why, f"Run it: `titer run {self.folder}`; that says why not.")
        return tuple(CellSpec.from_json(line) for line in read_lines(self.tasks_file))


def is_packed(folder: Path) -> bool:
    """Whether a folder is a packed study that was not unpacked: then its tables are all there is of it."""
    tables = (folder / CELLS).exists() or (folder / SCORES).exists()
    return tables and not (folder / TASKS).exists()


def locate(where: Path, out: Path | None = None) -> Path:
    """The study folder that `where` names: itself, or `out` (default `titer-NAME`) for a protocol file."""
    if where.is_dir():
        return where
    protocol = load(where)
    folder = out or Path(f"titer-{protocol.study.name}")
    begun = folder / FROZEN
    if begun.exists():
        check_unchanged(protocol, read_frozen(begun).protocol, str(where))
    elif is_packed(folder):
        raise InputError(str(folder), "this is a packed study, with a protocol of its own", f"`titer run {folder}`.")
    elif where.resolve() != (folder / PROTOCOL).resolve():
        copy_file(where, folder / PROTOCOL)
    return folder


def read_study(folder: Path) -> Study:
    """A study that has begun, as it was frozen.

    Raises:
        InputError: if there is no study, or its protocol was changed since it began.
        UnfinishedError: if it has not begun.
    """
    if not has_begun(folder):
        _check_study(folder)
        load(folder / PROTOCOL)
        state = "it is packed" if is_packed(folder) else "it has not been run yet"
        raise UnfinishedError(str(folder), state, f"Run it: `titer run {folder}`.")
    frozen = read_frozen(folder / FROZEN)
    protocol = read_protocol(folder)
    check_unchanged(protocol, frozen.protocol, str(folder / PROTOCOL))
    return Study(folder, protocol, frozen, store_of(folder, protocol))


def _check_study(folder: Path) -> None:
    """Check that a folder holds a study.

    Raises:
        InputError: saying what is there instead.
    """
    if folder.is_file():
        remedy = f"Name the folder that the study is in, such as '{folder.parent}'."
        raise InputError(str(folder), "this is a file, and the folder of a study is meant", remedy)
    if not (folder / PROTOCOL).is_file():
        problem = f"this folder holds no study: it has no {PROTOCOL}" if folder.exists() else "there is no such folder"
        raise InputError(str(folder), problem, "Name the folder of a study; `titer init` begins one.")


def read_protocol(folder: Path) -> Protocol:
    """The protocol of a study that has begun, or of a packed one.

    Raises:
        InputError: naming the file, if it cannot be read any more, or is a link.
    """
    path = no_link(folder / PROTOCOL, folder)
    check_regular(path)
    try:
        return load(path)
    except InputError as error:
        remedy = f"It has begun, with a protocol that could be read. {PUT_BACK}"
        raise InputError(str(path), f"{error.place}: {error.problem}", remedy) from error


def has_begun(folder: Path) -> bool:
    """Whether the study of a folder was frozen.

    Raises:
        DamagedError: if it was run, and what it was frozen as is gone.
    """
    path = folder / FROZEN
    if not path.exists() and (folder / TASKS).exists():
        raise DamagedError(f"{path} is missing, and the study rests on it. {PUT_BACK}")
    return path.exists()


def read_frozen(path: Path) -> Frozen:
    """The frozen protocol of a study.

    Raises:
        InputError: if another titer wrote it.
        DamagedError: if it is not what was written.
    """
    try:
        text = read_text(path)
        check_format(str(path), text, FORMAT)
        return Frozen.from_json(text)
    except (UnicodeDecodeError, DamagedError) as error:
        raise DamagedError(f"{path} is damaged, and the study rests on it. {PUT_BACK}") from error


def check_unchanged(protocol: Protocol, begun: Protocol, place: str) -> None:
    """Compare a protocol with the frozen one that its study began with.

    Raises:
        InputError: naming the key that differs.
    """
    if begun.digest == protocol.digest:
        return
    study = begun.study.model_copy(update={"name": protocol.study.name})
    where = first_difference(begun.model_copy(update={"study": study}).to_data(), protocol.to_data())
    raise InputError(
        place,
        f"the protocol was changed after its study had begun: {where} differs",
        "Change it back, or run the new protocol in a folder of its own, with fresh seeds (study.seeds.first).",
    )
