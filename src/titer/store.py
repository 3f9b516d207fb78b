"""Content-keyed nodes on disk: immutable files, written to a temporary name and renamed.

    data/DIGEST.jsonl            rows and items that were frozen
    subjects/KEY/                an ordinary Hugging Face folder, with titer.json
    cells/KEY/DOSE.jsonl         the facts of a rung, then the answers
    readings/KEY/DOSE.jsonl      one judge's readings of one probe of a cell
    failed/KEY.json              a method's own failure
    partial/KEY.safetensors      what an interrupted make resumes from
    runs.jsonl                   wall time, memory, host and date: never part of a result

The first line of every .jsonl but runs.jsonl holds the number and the digest of the lines that follow.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path

from pydantic import BaseModel

from titer.errors import DamagedError, RunError
from titer.records import Answer, Reading, Record, RungFacts, canonical


class Header(Record):
    """The first line of a file of lines."""

    lines: int
    sha256: str


class Store:
    """The folder in which everything that was made, asked and judged is kept under its key."""

    def __init__(self, root: Path) -> None:
        self.root = root

    # ------------------------------------------------------------------ where things are
    def data(self, digest: str) -> Path:
        """Frozen rows or items."""
        return self.root / "data" / f"{digest}.jsonl"

    def subject(self, key: str) -> Path:
        """The folder of a made subject."""
        return self.root / "subjects" / key

    def answers(self, cell: str, dose: int) -> Path:
        """The answers of a cell at one dose."""
        return self.root / "cells" / cell / f"{dose}.jsonl"

    def readings(self, key: str, dose: int) -> Path:
        """One judge's readings at one dose."""
        return self.root / "readings" / key / f"{dose}.jsonl"

    def failed(self, key: str) -> Path:
        """The record of a method's own failure."""
        return self.root / "failed" / f"{key}.json"

    def partial(self, key: str) -> Path:
        """The partial state of an interrupted make."""
        return self.root / "partial" / f"{key}.safetensors"

    @property
    def runs(self) -> Path:
        """The log of work done: wall time, memory, host, date."""
        return self.root / "runs.jsonl"

    # ------------------------------------------------------------------ reading
    def read_answers(self, cell: str, dose: int) -> tuple[RungFacts, tuple[Answer, ...]]:
        """The facts and answers of a rung.

        Raises:
            DamagedError: if the file is not what was written.
        """
        first, *rest = read_lines(self.answers(cell, dose))
        return RungFacts.from_json(first), tuple(Answer.from_json(line) for line in rest)

    def read_facts(self, cell: str, dose: int) -> RungFacts:
        """The facts of a rung, without its answers."""
        return RungFacts.from_json(_lines_of(self.answers(cell, dose))[0])

    def read_readings(self, key: str, dose: int) -> tuple[Reading, ...]:
        """The readings of one judge at a rung."""
        return tuple(Reading.from_json(line) for line in _lines_of(self.readings(key, dose)))

    def failure(self, key: str) -> str | None:
        """Why the method of a node failed by its own doing, or None."""
        path = self.failed(key)
        return path.read_text(encoding="utf-8").strip() if path.exists() else None

    # ------------------------------------------------------------------ writing
    def write_answers(self, cell: str, facts: RungFacts, answers: Sequence[Answer]) -> None:
        """Keep the facts and answers of a rung."""
        write_lines(self.answers(cell, facts.dose), [facts, *answers])

    def write_readings(self, key: str, dose: int, readings: Sequence[Reading]) -> None:
        """Keep the readings of one judge at a rung."""
        write_lines(self.readings(key, dose), readings)

    def write_failure(self, key: str, reason: str) -> None:
        """Keep a method's own failure."""
        write_text(self.failed(key), reason + "\n")

    def write_folder(self, folder: Path, fill: Callable[[Path], None]) -> None:
        """Let `fill` write into a new folder, which then appears whole at `folder`."""
        folder.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
        try:
            fill(temporary)
            temporary.chmod(0o755)
            if not folder.exists():
                temporary.rename(folder)
        except OSError as error:
            raise _disk_error(error, folder) from error
        finally:
            shutil.rmtree(temporary, ignore_errors=True)

    def log_run(self, entry: dict[str, object]) -> None:
        """Append one line to runs.jsonl, in one write."""
        self.runs.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self.runs, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            os.write(descriptor, (canonical(entry) + "\n").encode())
        except OSError as error:
            raise _disk_error(error, self.runs) from error
        finally:
            os.close(descriptor)

    def sweep(self) -> None:
        """Remove temporary files and folders that an interrupted writer left; only the owner of the study may."""
        for folder in ("data", "subjects", "failed", "partial"):
            for path in (self.root / folder).glob(".*"):
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        for folder in ("cells", "readings"):
            for path in (self.root / folder).glob("*/.*"):
                path.unlink()


def write_text(path: Path, text: str) -> None:
    """Write a file whole: to a temporary name beside it, then renamed.

    Raises:
        RunError: when the disk is full; nothing is left behind.
    """
    temporary: str | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write(text)
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except OSError as error:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
        raise _disk_error(error, path) from error


def write_lines(path: Path, records: Sequence[BaseModel]) -> None:
    """Write records as canonical JSON lines under a header with their number and digest."""
    body = "".join(canonical(record.model_dump(mode="json")) + "\n" for record in records)
    header = Header(lines=len(records), sha256=hashlib.sha256(body.encode()).hexdigest())
    write_text(path, header.to_json() + "\n" + body)


def read_lines(path: Path) -> tuple[str, ...]:
    """The lines that `write_lines` wrote, without the header.

    Raises:
        DamagedError: if a line is missing or changed.
    """
    remedy = f"Delete {path} and run again: it will be made anew."
    try:
        head, _, body = path.read_text(encoding="utf-8").partition("\n")
        header = Header.from_json(head)
    except (UnicodeDecodeError, DamagedError) as error:
        raise DamagedError(f"{path} is damaged: its first line cannot be read. {remedy}") from error
    if hashlib.sha256(body.encode()).hexdigest() != header.sha256:
        raise DamagedError(f"{path} is truncated or was changed: {header.lines} lines were written. {remedy}")
    return tuple(body.split("\n")[:-1])


def _lines_of(path: Path) -> tuple[str, ...]:
    """As `read_lines`, once per file and modification: plan asks for the same readings again and again."""
    status = path.stat()
    return _cached(path, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=20_000)
def _cached(path: Path, modified: int, size: int) -> tuple[str, ...]:
    del modified, size
    return read_lines(path)


def _disk_error(error: OSError, path: Path) -> RunError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return RunError(f"no space left on the disk of {path}; nothing half-written was left. Free some and run again")
    return RunError(f"cannot write {path}: {error.strerror or error}")
