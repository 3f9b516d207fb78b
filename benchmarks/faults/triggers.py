"""When and where a fault strikes: at the n-th event of a stream that the processes of a run count together.

The streams are the calls and returns, of Python and C, inside a kind of work (`make`, `expose`, `judge`) or in the
process of the run itself (`run`), the renamings of finished files (`rename`), and all that needs space on the disk
(`write`). A stream of calls is counted by each process alone. Where a run has one worker, the same number is the same
moment each time.
"""

from __future__ import annotations

import builtins
import errno
import functools
import io
import mmap
import os
import stat
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any, Final, Literal

from safetensors import SafetensorError

Stream = Literal["make", "expose", "judge", "run", "rename", "write"]
STREAMS: Final[tuple[Stream, ...]] = ("make", "expose", "judge", "run", "rename", "write")
NUMBER = 8
"""Bytes of a count."""
TEXT = 256
"""Bytes that say where a fault struck."""


class Counts:
    """What the processes of one run count together, in memory that they share; and where the fault struck."""

    def __init__(self) -> None:
        self.memory = mmap.mmap(-1, len(STREAMS) * NUMBER + TEXT)

    def __getitem__(self, stream: Stream) -> int:
        place = STREAMS.index(stream) * NUMBER
        return int.from_bytes(self.memory[place : place + NUMBER], "little")

    def add(self, stream: Stream, events: int = 1) -> int:
        """So many events more; how many there are now."""
        place, count = STREAMS.index(stream) * NUMBER, self[stream] + events
        self.memory[place : place + NUMBER] = count.to_bytes(NUMBER, "little")
        return count

    @property
    def struck(self) -> str:
        """Where the fault struck; nothing before."""
        return self.memory[-TEXT:].rstrip(b"\0").decode()

    @struck.setter
    def struck(self, where: str) -> None:
        self.memory[-TEXT:] = where.encode()[:TEXT].ljust(TEXT, b"\0")


class Trigger:
    """Lets a fault strike once, at one event of a stream; a disk that is full stays so.

    Args:
        counts: shared by the processes of the run.
        stream: what is counted.
        at: the number of the event; 0 for never.
        act: what happens then, in the process that came to it.
    """

    def __init__(self, counts: Counts, stream: Stream, at: int, act: Callable[[], None]) -> None:
        self.counts, self.stream, self.at, self.act = counts, stream, at, act

    def event(self, stream: Stream, where: str) -> None:
        """Count an event, and strike if it is the one."""
        count = self.counts.add(stream)
        if stream == self.stream and (count == self.at or (stream == "write" and self.counts.struck)):
            self.strike(where)

    def strike(self, where: str) -> None:
        """Let the fault strike, and say where it did."""
        if not self.counts.struck:
            self.counts.struck = f"{self.stream}: {where}"
        elif self.stream != "write":
            return
        self.act()

    def during(self, stream: Stream, work: Callable[..., Any]) -> Callable[..., Any]:
        """The work; each call inside of it, and each return, is an event. A process counts them for itself."""
        seen, at = 0, self.at if stream == self.stream else 0

        def hook(frame: FrameType, event: str, called: Any) -> None:
            nonlocal seen
            seen += 1
            if seen == at:
                self.strike(f"{Path(frame.f_code.co_filename).name} {frame.f_code.co_name}, {event}")

        def worked(*arguments: Any) -> Any:
            before = seen
            sys.setprofile(hook)
            try:
                return work(*arguments)
            finally:
                sys.setprofile(None)
                self.counts.add(stream, seen - before)

        return worked


def full_disk() -> None:
    """What the system says when there is no space."""
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def watch_work(trigger: Trigger) -> None:
    """Count the calls of all work that is done in this process and those that it starts."""
    from titer.execution import worker

    for stream in ("make", "expose", "judge"):
        vars(worker)[stream] = trigger.during(stream, vars(worker)[stream])


def watch_run(trigger: Trigger) -> None:
    """Count the calls of the process of the run itself, from opening the study to its report."""
    from titer.cli import run

    run.run_study = trigger.during("run", run.run_study)


def watch_disk(trigger: Trigger) -> None:
    """Count the renamings, and everything that needs space, in this process and those that it starts."""
    import safetensors.torch
    import transformers.modeling_utils

    def counted(name: Stream, call: Callable[..., Any], refuse: Callable[[], None] | None = None) -> Callable[..., Any]:
        @functools.wraps(call)
        def made(*arguments: Any, **named: Any) -> Any:
            try:
                trigger.event(name, f"{call.__name__} {_first_path(arguments)}")
            except OSError:
                if refuse is None:
                    raise
                refuse()
            return call(*arguments, **named)

        return made

    for module, name in ((os, "replace"), (os, "rename")):
        setattr(module, name, counted("rename", counted("write", getattr(module, name))))
    for module, name in ((tempfile, "mkstemp"), (tempfile, "mkdtemp"), (os, "mkdir")):
        setattr(module, name, counted("write", getattr(module, name)))
    weights = counted("write", safetensors.torch.save_file, _refuse_weights)
    safetensors.torch.save_file = weights
    vars(transformers.modeling_utils)["safe_save_file"] = weights
    _watch_streams(trigger)


def _refuse_weights() -> None:
    raise SafetensorError(f"Error while serializing: I/O error: No space left on device (os error {errno.ENOSPC})")


def _first_path(arguments: tuple[Any, ...]) -> str:
    return next((Path(one).name for one in arguments if isinstance(one, str | Path)), "")


def _watch_streams(trigger: Trigger) -> None:
    """Count what is written through streams and descriptors of ordinary files."""
    real_open, real_fdopen, real_write = io.open, os.fdopen, os.write

    class Watched:
        """A stream that writes half of what it is given where the disk is full."""

        def __init__(self, stream: Any) -> None:
            self.stream = stream

        def __getattr__(self, name: str) -> Any:
            return getattr(self.stream, name)

        def __enter__(self) -> Watched:
            return self

        def __exit__(self, *of: object) -> None:
            self.stream.close()

        def write(self, text: Any) -> Any:
            try:
                trigger.event("write", f"stream {Path(str(self.stream.name)).name}")
            except OSError:
                self.stream.write(text[: len(text) // 2])
                raise
            return self.stream.write(text)

    def opened(real: Callable[..., Any]) -> Callable[..., Any]:
        def open_watched(file: Any, mode: str = "r", *rest: Any, **named: Any) -> Any:
            stream = real(file, mode, *rest, **named)
            own = set(mode) & set("wax") and stat.S_ISREG(os.fstat(stream.fileno()).st_mode)
            return Watched(stream) if own else stream

        return open_watched

    def write(descriptor: int, data: Any) -> int:
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            trigger.event("write", "a line of the log")
        return real_write(descriptor, data)

    io.open = builtins.open = opened(real_open)
    os.fdopen = opened(real_fdopen)
    os.write = write
