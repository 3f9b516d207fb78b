"""Locks on files, by which processes of one machine or of several leave each other's folders alone.

They are those of `flock`: held as long as the file is open, and given back by the system when the process is gone,
however it ended. On a local disk they hold between all processes of the machine; on NFS, Linux makes byte-range locks
of them, which hold between machines (and want the file open for reading and writing, as it is here). Other file
systems have none, and say so (Lustre without the mount option `flock`, NFS without its lock service): then nothing is
done. A file system that only pretends to lock cannot be told from here. Who only reads takes no lock.
"""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from titer.boundary import descriptor_of
from titer.errors import BusyError, RunError
from titer.study.atomic_files import no_link, sweep_stale, writing

TAKEN = (errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES)
"""What says that another process has the lock; whatever else is said, there is none to be had."""


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a study folder for this process, whoever else would write into it; what others left half-written goes.

    Raises:
        BusyError: if another process runs the study.
        RunError: if its file system has no locks.
    """
    with exclusive(folder / ".lock") as alone:
        if not alone:
            raise BusyError(f"{folder} is being run by another process. Wait for it, or stop it")
        sweep_stale(folder)
        yield


@contextmanager
def exclusive(path: Path) -> Iterator[bool]:
    """Try to be the only holder of the lock for the block, without waiting; whether it was got.

    Raises:
        RunError: if the file cannot be written, or its file system has no locks.
    """
    with _opened(path) as stream:
        yield _locked(path, stream, fcntl.LOCK_EX | fcntl.LOCK_NB)


@contextmanager
def shared(path: Path) -> Iterator[None]:
    """Hold the lock together with others for the block; waits while one process has it alone.

    Raises:
        RunError: if the file cannot be written, or its file system has no locks.
    """
    with _opened(path) as stream:
        _locked(path, stream, fcntl.LOCK_SH)
        yield


@contextmanager
def sharing(path: Path, sweep: Callable[[], None]) -> Iterator[None]:
    """Hold the lock of a folder together with others for the block; the first to come and the last to go sweep it.

    Whoever writes holds the lock together with others, and whoever sweeps holds it alone: nothing that is being written
    is swept. Between the sweep and the sharing nobody has the lock, and another process may sweep, which takes
    nothing away: the block has not begun, and so nothing is being written. A block that fails leaves the sweep to
    whoever comes next.
    """
    _sweep_if_alone(path, sweep)
    with shared(path):
        yield
    _sweep_if_alone(path, sweep)


def _sweep_if_alone(path: Path, sweep: Callable[[], None]) -> None:
    with exclusive(path) as alone:
        if alone:
            sweep()


def _opened(path: Path) -> IO[str]:
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        return os.fdopen(descriptor_of(no_link(path, path.parent), os.O_RDWR | os.O_CREAT), "r+")


def _locked(path: Path, stream: IO[str], how: int) -> bool:
    try:
        fcntl.flock(stream, how)
    except OSError as error:
        if how & fcntl.LOCK_NB and error.errno in TAKEN:
            return False
        name = errno.errorcode.get(error.errno or 0, str(error))
        raise RunError(
            f"the file system of {path.parent} has no locks that hold ({name}), so that two runs could write at once. "
            "Put the study and its store on a local disk, or mount it with locks"
        ) from error
    return True
