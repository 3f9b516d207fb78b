"""Files of a study, a pack or a store, opened only where they are ordinary files: a pipe is not waited for."""

from __future__ import annotations

import errno
import os
import stat
from io import BufferedReader
from pathlib import Path

from titer.errors import InputError

_NO_FILE = (errno.ELOOP, errno.ENXIO, errno.EISDIR, errno.ENODEV)
"""What the system says of a link, a socket or a pipe without a reader, a folder, and a device that is not there."""


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
