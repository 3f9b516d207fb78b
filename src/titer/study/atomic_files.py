"""Files that appear whole or not at all, and lines and folders that cannot be truncated unnoticed."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

from safetensors import SafetensorError

from titer.boundary import open_file, read_text
from titer.errors import DamagedError, InputError, RunError, TiterError
from titer.records import Record, canonical

TEMPORARY = ".titer-tmp-"
"""How the name of every file and folder begins that is still being written."""
MANIFEST = "titer.json"
"""The file of a folder that has the digests of those beside it."""
STALE_SECONDS = 60.0
"""A file that was last written before this is no longer being written: verdicts are, without any lock, in no time."""


class Header(Record):
    """The first line of a file of lines."""

    lines: int
    sha256: str


def write_whole(folder: Path, fill: Callable[[Path], None]) -> None:
    """Let `fill` write into a temporary folder beside `folder`, whose place it then takes; a filled one is left.

    Raises:
        RunError: if it cannot be written; nothing is left behind.
    """
    with writing(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f"{TEMPORARY}{folder.name}.", dir=folder.parent))
        try:
            fill(temporary)
            temporary.chmod(0o755)
            if not folder.exists() or not any(folder.iterdir()):
                temporary.rename(folder)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


def write_file(path: Path, fill: Callable[[Path], object]) -> None:
    """Let `fill` write a temporary file beside `path`, whose place it then takes.

    Raises:
        RunError: if it cannot be written; nothing is left behind.
    """
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(prefix=f"{TEMPORARY}{path.name}.", suffix=path.suffix, dir=path.parent)
        os.close(descriptor)
        temporary = Path(name)
        try:
            fill(temporary)
            temporary.chmod(0o644)
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)


def copy_file(source: Path, path: Path) -> None:
    """Copy a file, whole or not at all.

    Raises:
        RunError: if it cannot be written; nothing is left behind.
    """
    write_file(path, lambda temporary: shutil.copyfile(source, temporary))


def write_text(path: Path, text: str) -> None:
    """Write a file whole: to a temporary name beside it, then renamed.

    Raises:
        RunError: when the disk is full; nothing is left behind.
    """
    write_file(path, lambda temporary: temporary.write_text(text, encoding="utf-8", newline="\n"))


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file whole, as it is.

    Raises:
        RunError: when the disk is full; nothing is left behind.
    """
    write_file(path, lambda temporary: temporary.write_bytes(content))


def sweep_stale(folder: Path) -> None:
    """Remove the files of a folder, not of those inside, that writers left half-written who were ended long ago."""
    oldest = time.time() - STALE_SECONDS
    for path in folder.glob(f"{TEMPORARY}*"):
        if path.is_file() and not path.is_symlink() and path.stat().st_mtime < oldest:
            path.unlink(missing_ok=True)


def no_link(path: Path, root: Path) -> Path:
    """The path, if neither it nor a folder between it and `root` is a symbolic link; `root` itself may be one.

    Raises:
        InputError: naming the link, or a path that leads out of `root`.
    """
    if not path.is_relative_to(root) or ".." in path.relative_to(root).parts:
        raise InputError(str(root), f"{path} does not lie in it", "Get the folder from its source again.")
    for part in (path, *path.parents):
        if part == root:
            break
        if part.is_symlink():
            remedy = "Put the file or folder itself in its place."
            raise InputError(str(part), "this is a link, and titer follows none in a study or a store", remedy)
    return path


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Say in words when the disk refuses what is written to `path`.

    Raises:
        RunError: in place of the error of the system, or of a library that writes weights or tokenizers.
    """
    try:
        yield
    except TiterError:
        raise
    except Exception as error:  # nothing narrower is raised by the library that writes tokenizers
        if _is_full(error):
            raise RunError(
                f"no space left on the disk of {path}; nothing half-written was left. Free some and run again"
            ) from error
        if isinstance(error, OSError | SafetensorError):
            told = error.strerror if isinstance(error, OSError) and error.strerror else error
            raise RunError(f"cannot write {path}: {told}") from error
        raise


def _is_full(error: Exception) -> bool:
    """Whether an error says that there is no space: by its number, or in its text where a library passes it on."""
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return True
    return any(f"os error {number}" in str(error) for number in (errno.ENOSPC, errno.EDQUOT))


def write_lines(path: Path, records: Sequence[Record]) -> None:
    """Write records as canonical JSON lines under a header with their number and digest."""
    body = "".join(record.to_json() + "\n" for record in records)
    header = Header(lines=len(records), sha256=hashlib.sha256(body.encode()).hexdigest())
    write_text(path, header.to_json() + "\n" + body)


def read_first(path: Path) -> str:
    """The first of the lines that `write_lines` wrote.

    Raises:
        DamagedError: if there is none, or one is missing or changed.
    """
    lines = read_lines(path)
    if not lines:
        raise DamagedError(f"{path} is damaged: it has no lines. Delete {path} and run again: it will be made anew.")
    return lines[0]


def read_lines(path: Path) -> tuple[str, ...]:
    """The lines that `write_lines` wrote, without the header.

    Raises:
        DamagedError: if a line is missing or changed.
    """
    remedy = f"Delete {path} and run again: it will be made anew."
    try:
        head, _, body = read_text(path).partition("\n")
        header = Header.from_json(head)
    except (UnicodeDecodeError, DamagedError) as error:
        raise DamagedError(f"{path} is damaged: its first line cannot be read. {remedy}") from error
    if hashlib.sha256(body.encode()).hexdigest() != header.sha256:
        raise DamagedError(f"{path} is truncated or was changed: {header.lines} lines were written. {remedy}")
    return tuple(body.split("\n")[:-1])


def write_listed(folder: Path, fill: Callable[[Path], None]) -> None:
    """Let `fill` write into a new folder, which then appears whole, with the digests of its files in `MANIFEST`.

    Raises:
        RunError: when the disk is full; nothing is left behind.
    """

    def fill_and_list(temporary: Path) -> None:
        fill(temporary)
        (temporary / MANIFEST).write_text(canonical(_digests(temporary)) + "\n", encoding="utf-8")

    write_whole(folder, fill_and_list)


@lru_cache(maxsize=64)
def check_listed(folder: Path) -> None:
    """The same as `compare_listed`, once in a process."""
    compare_listed(folder)


def compare_listed(folder: Path) -> None:
    """Compare the files of a folder with the digests that `write_listed` wrote.

    Raises:
        DamagedError: naming the file that is missing, was changed or was added.
        InputError: naming one that is a link, or no file.
    """
    try:
        known = json.loads(read_text(folder / MANIFEST))
    except (OSError, ValueError) as error:
        raise DamagedError(f"{folder / MANIFEST} cannot be read. Delete {folder} and run again") from error
    for path in folder.rglob("*"):
        no_link(path, folder)
    for name, found in _digests(folder).items():
        if known.pop(name, None) != found:
            raise DamagedError(f"{folder / name} is truncated, was changed or was added. Delete {folder} and run again")
    if known:
        raise DamagedError(f"{folder / min(known)} is missing. Delete {folder} and run again")


def _digests(folder: Path) -> dict[str, str]:
    """The digest of every file of a folder but the manifest, by its path in it."""
    files = sorted(path for path in folder.rglob("*") if not path.is_dir() and path.name != MANIFEST)
    return {str(path.relative_to(folder)): _sha256(path) for path in files}


def _sha256(path: Path) -> str:
    with open_file(path) as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
