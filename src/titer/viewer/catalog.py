"""The studies of a folder: found, and told in a few words. Everything is read, nothing is written or locked."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal

from titer.analysis.concluding import VERDICT
from titer.analysis.findings import Verdict
from titer.boundary import read_text
from titer.errors import InputError, TiterError
from titer.protocol.schema import Protocol
from titer.study.folder import FROZEN, PROTOCOL, TASKS, Study, is_packed, read_protocol, read_study
from titer.study.store_mark import MARK

DEEPEST: Final = 6
"""How many folders below the one that is shown a study may lie."""
MOST: Final = 2_000
"""The most studies that are shown."""

EntryState = Literal["finished", "packed", "unfinished", "not run", "damaged"]


@dataclass(frozen=True, kw_only=True)
class RunProgress:
    """How far a run has come: cells of which answers are there, of all that are planned, and when the last one came."""

    begun: int
    planned: int
    last: datetime | None


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A study as the list tells it.

    Attributes:
        id: what it is called in an address: a digest of its place, from which no path can be made.
        place: its folder, relative to the one that is shown.
        folder: the same on the disk.
        name: what the protocol calls it.
        model: the subject.
        defenses: their names in the order of the chain.
        state: how it stands.
        verdict: as it was written down, not compared with anything; None where there is none.
        progress: of one that is not finished.
        problem: what is wrong with it.
    """

    id: str
    place: str
    folder: Path
    name: str
    model: str = ""
    defenses: tuple[str, ...] = ()
    state: EntryState
    verdict: Verdict | None = None
    progress: RunProgress | None = None
    problem: str = ""

    @property
    def outcome(self) -> str:
        """That of its verdict, or how it stands."""
        return self.state if self.verdict is None else self.verdict.outcome

    def matches(self, words: str) -> bool:
        """Whether each of the words is in its name, place, model or defenses."""
        text = " ".join((self.name, self.place, self.model, *self.defenses, self.outcome, self.state)).casefold()
        return all(word in text for word in words.casefold().split())


def entries(root: Path) -> tuple[Entry, ...]:
    """Every study at most `DEEPEST` folders below, by place; stores and hidden folders are passed by."""
    found: list[Entry] = []
    for folder in _folders(root):
        found.append(_entry(root, folder))
        if len(found) == MOST:
            break
    return tuple(sorted(found, key=lambda entry: entry.place))


def inside(root: Path, study: Study) -> Study:
    """The study, whose store lies in the folder that is shown, too.

    Raises:
        InputError: if it does not.
    """
    if not study.store.root.resolve().is_relative_to(root.resolve()):
        remedy = "Show a folder that holds both."
        raise InputError(str(study.folder), f"its store, {study.store.root}, lies outside of {root}", remedy)
    return study


def progress_of(study: Study) -> RunProgress:
    """How far the run of a study has come."""
    if not (study.folder / TASKS).exists():
        return RunProgress(begun=0, planned=0, last=None)
    cells = study.read_cells()
    begun = [cell for cell in cells if any(study.store.answers(cell.key, dose).exists() for dose in cell.doses)]
    last = datetime.fromtimestamp(study.store.runs.stat().st_mtime, UTC) if study.store.runs.exists() else None
    return RunProgress(begun=len(begun), planned=len(cells), last=last)


def _folders(root: Path) -> Iterator[Path]:
    """Every folder with a protocol."""
    for name, below, files in os.walk(root, followlinks=False):
        folder = Path(name)
        if PROTOCOL in files:
            yield folder
        ends = MARK in files or len(folder.relative_to(root).parts) >= DEEPEST
        below[:] = [] if ends else sorted(one for one in below if not one.startswith("."))


def _entry(root: Path, folder: Path) -> Entry:
    place = folder.relative_to(root).as_posix()
    named = hashlib.sha256(place.encode(errors="surrogateescape")).hexdigest()[:16]
    try:
        protocol = read_protocol(folder)
        state, progress = _state(root, folder)
        verdict = _verdict(folder) if state in ("finished", "packed") else None
    except (TiterError, OSError, UnicodeDecodeError) as error:
        return Entry(id=named, place=place, folder=folder, name=folder.name, state="damaged", problem=str(error))
    return Entry(
        id=named,
        place=place,
        folder=folder,
        name=protocol.study.name,
        model=protocol.subject.model,
        defenses=_defenses(protocol),
        state=state,
        verdict=verdict,
        progress=progress,
    )


def _state(root: Path, folder: Path) -> tuple[EntryState, RunProgress | None]:
    if is_packed(folder):
        return "packed", None
    if not (folder / FROZEN).exists():
        return "not run", None
    study = read_study(folder)
    if study.read_status().finished:
        return "finished", None
    return "unfinished", progress_of(inside(root, study))


def _verdict(folder: Path) -> Verdict | None:
    path = folder / VERDICT
    return Verdict.from_json(read_text(path)) if path.exists() else None


def _defenses(protocol: Protocol) -> tuple[str, ...]:
    return tuple(choice.name for choice in protocol.defense)
