"""What comes from outside: errors of foreign parsers get a place, and what is no ordinary file is not waited for."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path

from titer.errors import InputError, TiterError

_OF_THE_MACHINE = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.ENFILE, errno.EMFILE)
"""What no other input would mend: these pass."""
_NO_FILE = (errno.ELOOP, errno.ENXIO, errno.EISDIR, errno.ENODEV)
"""What the system says of a link, a socket or a pipe without a reader, a folder, and a device that is not there."""


@contextmanager
def reading(place: str, what: str, remedy: str) -> Iterator[None]:
    """Whatever the block's call into a foreign parser or loader throws becomes an `InputError`.

    Parsers throw what they like at hostile input: besides ValueError and OSError also KeyError, RecursionError,
    MemoryError, a bare Exception (tokenizers), and panics of Rust, which are no Exception at all. Put only such a call
    into the block: an error of titer's own code must stay one.

    Args:
        place: where the input is, as a dotted path (`harm.domain.0.source`), an option or a file with its line.
        what: what cannot be read, as the subject of a sentence (`'rows.jsonl'`).
        remedy: what to write or give instead.

    Raises:
        InputError: in place of any error but titer's own and those of the machine, such as a full disk.
    """
    try:
        yield
    except TiterError:
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno in _OF_THE_MACHINE:
            raise
        raise _unreadable(place, what, remedy, error) from error
    except BaseException as error:
        if type(error).__module__ != "pyo3_runtime":  # a panic of Rust
            raise
        raise _unreadable(place, what, remedy, error) from error


def _unreadable(place: str, what: str, remedy: str, error: BaseException) -> InputError:
    if isinstance(error, MemoryError):
        return InputError(place, f"{what} cannot be read: it needs more memory than there is", remedy)
    if isinstance(error, RecursionError):
        return InputError(place, f"{what} cannot be read: it is nested too deeply", remedy)
    told = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    lines = told.strip().splitlines()
    first = lines[0].rstrip(".") if lines else ""
    named = first if isinstance(error, (ValueError, OSError)) and first else f"{type(error).__name__} {first}".strip()
    return InputError(place, f"{what} cannot be read: {named}", remedy)


def descriptor_of(path: Path, flags: int) -> int:
    """Open an ordinary file, and nothing else; who calls closes it.

    Args:
        path: the file.
        flags: as `os.open` takes them.

    Raises:
        InputError: if a link, pipe, socket, device or folder lies there.
        OSError: if it cannot be opened, as where nothing is.
    """
    try:
        descriptor = os.open(path, flags | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_NOCTTY | os.O_CLOEXEC, 0o644)
    except OSError as error:
        if error.errno in _NO_FILE:
            raise _other(path, path.lstat().st_mode) from error
        raise
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISREG(mode):
        return descriptor
    os.close(descriptor)
    raise _other(path, mode)


def open_file(path: Path) -> BufferedReader:
    """Open an ordinary file to be read; raises as `descriptor_of` does."""
    return os.fdopen(descriptor_of(path, os.O_RDONLY), "rb")


def read_bytes(path: Path) -> bytes:
    """The content of an ordinary file; raises as `descriptor_of` does."""
    with open_file(path) as stream:
        return stream.read()


def read_text(path: Path) -> str:
    """The text of an ordinary file in UTF-8; raises as `descriptor_of` does, and UnicodeDecodeError."""
    return read_bytes(path).decode()


def check_regular(path: Path) -> None:
    """See that what another library will open, if anything is there, is an ordinary file.

    Raises:
        InputError: if a link, pipe, socket, device or folder lies there.
    """
    if os.path.lexists(path):
        os.close(descriptor_of(path, os.O_RDONLY))


def _other(path: Path, mode: int) -> InputError:
    kinds = {stat.S_IFLNK: "a link", stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket", stat.S_IFDIR: "a folder"}
    kind = kinds.get(stat.S_IFMT(mode), "a device")
    problem = f"this is {kind}, and an ordinary file is expected in a study or a store"
    return InputError(str(path), problem, "Put the file itself in its place.")
