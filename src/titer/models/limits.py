"""Limits of time and memory for a block that follows foreign instructions, as a chat template does."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

if sys.platform != "win32":
    import resource

    PAGE = resource.getpagesize()

SECONDS = 10.0
"""The longest that one conversation may take to be written; published templates take under a thousandth."""
MORE_BYTES = 512 * 2**20
"""The most memory that it may take on top of what the process has."""

AGAIN = 1.0
"""Seconds until the alarm rings again, where what it raised was ignored, as it is within a `__del__`."""


class OutOfTime(BaseException):
    """A block did not end within its time; no Exception, which a compiler of templates would take for its own."""


@contextmanager
def bounded(seconds: float, more_bytes: int) -> Iterator[None]:
    """Limits for the block: of time in the main thread, where alone a signal can end it, of memory on Linux.

    It costs some ten microseconds. What the block leaves behind, an alarm or a limit set before, is as it was.

    Raises:
        OutOfTime: if the time is over.
        MemoryError: if the block asks for more memory.
    """
    timed = sys.platform != "win32" and threading.current_thread() is threading.main_thread()
    alarm, before, memory = _Alarm(), None, _lower(more_bytes) if sys.platform == "linux" else None
    try:
        if timed:
            before = signal.signal(signal.SIGALRM, alarm)
            earlier = signal.setitimer(signal.ITIMER_REAL, seconds, AGAIN)
        try:
            yield
        finally:
            alarm.armed = False
            if timed:
                signal.setitimer(signal.ITIMER_REAL, *earlier)
                signal.signal(signal.SIGALRM, before)
    finally:
        if memory is not None:
            _restore(memory)


class _Alarm:
    """Raises while it is armed: an alarm that rings when the block is over already must not be heard."""

    def __init__(self) -> None:
        self.armed = True

    def __call__(self, signum: int, frame: FrameType | None) -> None:
        if self.armed:
            raise OutOfTime


def _lower(more_bytes: int) -> int:
    """Lower the limit of the address space to what is taken and so much more; the limit before."""
    with open("/proc/self/statm", "rb") as sizes:
        taken = int(sizes.read().split(maxsplit=1)[0]) * PAGE
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    set_before = [limit for limit in (soft, hard) if limit != resource.RLIM_INFINITY]
    resource.setrlimit(resource.RLIMIT_AS, (min([taken + more_bytes, *set_before]), hard))
    return soft


def _restore(soft: int) -> None:
    """Put the limit of the address space back, as far as the hard limit allows, which may be lower by now."""
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    set_now = [limit for limit in (soft, hard) if limit != resource.RLIM_INFINITY]
    resource.setrlimit(resource.RLIMIT_AS, (min(set_now, default=resource.RLIM_INFINITY), hard))
