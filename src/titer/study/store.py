"""Content-keyed nodes on disk: immutable files, written to a temporary name and renamed.

    data/DIGEST.jsonl            rows and items that were frozen
    subjects/KEY/                an ordinary Hugging Face folder, with titer.json
    cells/KEY/DOSE.jsonl         the facts of a dose, then the answers
    scores/KEY/DOSE.jsonl        one judge's scores of one probe of a cell
    failed/KEY.jsonl             a method's own failure
    partial/KEY.safetensors      what an interrupted make resumes from
    seals/DIGEST.jsonl           the roots that a study was finished with, by the digest of its salt
    titer-store.json             that this is a store, and the format of its files
    runs.jsonl                   wall time, memory, host and date: never part of a result

The first line of every .jsonl but runs.jsonl holds the number and the digest of the lines that follow; titer.json the
digests of the files beside it.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import lru_cache
from pathlib import Path

from titer.boundary import descriptor_of
from titer.records import Answer, DoseFacts, Item, Record, Row, Score, Seed, canonical
from titer.seeds import derive
from titer.study import store_mark
from titer.study.atomic_files import (
    TEMPORARY,
    check_listed,
    no_link,
    read_first,
    read_lines,
    write_lines,
    write_listed,
    writing,
)
from titer.study.locks import shared, sharing
from titer.study.tasks import Failure, RowsRef


class Store:
    """The folder in which everything that was made, asked and judged is kept under its key."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def claim(self) -> None:
        """Make the folder a store, or see that it is one.

        Raises:
            InputError: if there is something else, or a store of another format.
        """
        store_mark.claim(self.root)

    # ------------------------------------------------------------------ where things are
    def data(self, digest: str) -> Path:
        """Frozen rows or items."""
        return self.root / "data" / f"{digest}.jsonl"

    def subject(self, key: str) -> Path:
        """The folder of a made subject."""
        return self.root / "subjects" / key

    def attacked(self, cell: str) -> Path:
        """The folder of the weights that the attack of a cell left behind, where they are kept."""
        return self.root / "subjects" / f"{cell}-attacked"

    def answers(self, cell: str, dose: int) -> Path:
        """The answers of a cell at one dose."""
        return self.root / "cells" / cell / f"{dose}.jsonl"

    def scores(self, key: str, dose: int) -> Path:
        """One judge's readings at one dose."""
        return self.root / "scores" / key / f"{dose}.jsonl"

    def failed(self, key: str) -> Path:
        """The record of a method's own failure."""
        return self.root / "failed" / f"{key}.jsonl"

    def partial(self, key: str) -> Path:
        """The partial state of an interrupted make."""
        return self.root / "partial" / f"{key}.safetensors"

    def seals(self, commitment: str) -> Path:
        """The roots that the study with this salt was finished with."""
        return self.root / "seals" / f"{commitment}.jsonl"

    @property
    def runs(self) -> Path:
        """The log of work done: wall time, memory, host, date."""
        return self.root / "runs.jsonl"

    # ------------------------------------------------------------------ reading
    def read_answers(self, cell: str, dose: int) -> tuple[DoseFacts, tuple[Answer, ...]]:
        """The facts and answers of a dose.

        Raises:
            DamagedError: if the file is not what was written.
        """
        path = self.answers(cell, dose)
        first, rest = read_first(path), read_lines(path)[1:]
        return DoseFacts.from_json(first), tuple(Answer.from_json(line) for line in rest)

    def read_facts(self, cell: str, dose: int) -> DoseFacts:
        """The facts of a dose, without its answers."""
        return DoseFacts.from_json(read_first(self.answers(cell, dose)))

    def read_scores(self, key: str, dose: int) -> tuple[Score, ...]:
        """The readings of one judge at a dose."""
        return tuple(Score.from_json(line) for line in read_lines(self.scores(key, dose)))

    def read_values(self, key: str, dose: int) -> tuple[float | None, ...]:
        """The values of the readings of one judge at a dose."""
        path = self.scores(key, dose)
        status = path.stat()
        return _values(path, status.st_mtime_ns, status.st_size)

    def failure(self, key: str) -> str | None:
        """Why the method of a node failed by its own doing, or None."""
        path = self.failed(key)
        return Failure.from_json(read_first(path)).reason if path.exists() else None

    def read_subject(self, key: str) -> Path:
        """The folder of a made subject, every file of which was compared with its digest.

        Raises:
            DamagedError: if one is not what was written.
        """
        folder = no_link(self.subject(key), self.root)
        check_listed(folder)
        return folder

    # ------------------------------------------------------------------ writing
    def write_answers(self, cell: str, facts: DoseFacts, answers: Sequence[Answer]) -> None:
        """Keep the facts and answers of a dose."""
        self._write(self.answers(cell, facts.dose), [facts, *answers])

    def write_scores(self, key: str, dose: int, scores: Sequence[Score]) -> None:
        """Keep the readings of one judge at a dose."""
        self._write(self.scores(key, dose), scores)

    def write_failure(self, key: str, reason: str) -> None:
        """Keep a method's own failure."""
        self._write(self.failed(key), [Failure(reason=reason)])

    def write_folder(self, folder: Path, fill: Callable[[Path], None]) -> None:
        """Let `fill` write into a new folder, which then appears whole at `folder`, with the digests of its files.

        Raises:
            RunError: when the disk is full; nothing is left behind.
        """
        write_listed(no_link(folder, self.root), fill)

    def log_run(self, entry: dict[str, object]) -> None:
        """Append one line to runs.jsonl, in one write."""
        with writing(self.runs):
            self.runs.parent.mkdir(parents=True, exist_ok=True)
            descriptor = descriptor_of(self.runs, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
            try:
                os.write(descriptor, (canonical(entry) + "\n").encode())
            finally:
                os.close(descriptor)

    def _write(self, path: Path, records: Sequence[Record]) -> None:
        """Write records in a folder that lies in the store, not behind a link."""
        no_link(path.parent, self.root)
        write_lines(path, records)

    # ------------------------------------------------------------------ sharing
    @contextmanager
    def in_use(self) -> Iterator[None]:
        """Share the store with the runs of other studies; the first to come and the last to go sweep it.

        Raises:
            InputError: if the folder is none that titer made.
            RunError: if its file system has no locks.
        """
        self.claim()
        with sharing(self.root / ".lock", self.sweep):
            yield

    def shared(self) -> AbstractContextManager[None]:
        """Keep others from sweeping while something is written: a worker may outlive its run for a moment."""
        return shared(self.root / ".lock")

    def sweep(self) -> None:
        """Remove what interrupted writers left: temporary files and folders, and states of makes that are done.

        Only of names that titer gives, and nothing behind a link.
        """
        for folder in ("data", "subjects", "failed", "partial", "cells/*", "scores/*"):
            for path in self.root.glob(f"{folder}/{TEMPORARY}*"):
                if path.parent.is_symlink():
                    continue
                if path.is_dir() and not path.is_symlink():
                    shutil.rmtree(path, ignore_errors=True)
                else:
                    path.unlink(missing_ok=True)
        for path in self.root.glob("partial/*.safetensors"):
            if self.subject(path.stem).exists():
                path.unlink(missing_ok=True)


@lru_cache(maxsize=64)
def _read_items(path: Path) -> tuple[Item, ...]:
    return tuple(Item.from_json(line) for line in read_lines(path))


def read_items(store: Store, digest: str) -> tuple[Item, ...]:
    """The frozen items of a probe, in their order."""
    return _read_items(store.data(digest))


def read_rows(store: Store, ref: RowsRef, seed: Seed) -> tuple[Row, ...]:
    """The frozen rows of a split, or as many of them as one seed draws, in a drawn order."""
    rows = tuple(Row.from_json(line) for line in read_lines(store.data(ref.digest)))
    if ref.draw is None:
        return rows
    order = sorted(range(len(rows)), key=lambda place: derive(seed.root, "draw", rows[place].id))
    return tuple(rows[place] for place in order[: ref.draw])


@lru_cache(maxsize=20_000)
def _values(path: Path, modified: int, size: int) -> tuple[float | None, ...]:
    """The values of a file of readings, once per modification: plan asks for the same ones again and again."""
    del modified, size
    return tuple(Score.from_json(line).value for line in read_lines(path))
