"""One case through the whole of `titer plan` in this process, and whether it ended as bad input may."""

from __future__ import annotations

import contextlib
import io
import re
import signal
import time
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from titer.cli import DONE, WRONG, command

SECONDS = 20.0
"""The longest that a plan may compute: seconds of the processor, since a busy machine lets everything wait."""
WAITING = 15
"""How many times as long it may take by the clock, all waiting included."""
LONGEST = 2_000
"""The most bytes of a message."""
MESSAGE = re.compile(r"titer: (?P<place>.+?): (?P<problem>.+)\. (?P<remedy>\S.+)")


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a case ended.

    Attributes:
        code: the exit code; None where there was none.
        message: what was said on stderr, the last line; of an exception its traceback.
        seconds: of the processor.
        fault: what must not be: empty where all is well.
    """

    code: int | None
    message: str
    seconds: float
    fault: str


class Hang(BaseException):
    """The time is up."""


def planned(protocol: Path, study: Path, limit: float = SECONDS) -> Outcome:
    """Plan a protocol file into a study folder.

    Args:
        protocol: the file; it need not be one.
        study: the folder for its study.
        limit: seconds of the processor after which it counts as a hang; by the clock `WAITING` times as many.
    """
    out, err = io.StringIO(), io.StringIO()
    begun, code, thrown = time.process_time(), None, ""
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), _limited(limit):
            code = command(["plan", str(protocol), "--out", str(study)])
    except Hang:
        thrown = traceback.format_exc()
        return Outcome(code=None, message=thrown, seconds=time.process_time() - begun, fault="hang")
    except BaseException as error:  # what must not come through: it is what is looked for
        if isinstance(error, KeyboardInterrupt):
            raise
        thrown = traceback.format_exc()
        return Outcome(code=None, message=thrown, seconds=time.process_time() - begun, fault="traceback")
    said = err.getvalue()
    fault = fault_of(code, said)
    return Outcome(code=code, message=said, seconds=time.process_time() - begun, fault=fault)


def fault_of(code: int, said: str) -> str:
    """What is wrong with how a command ended; empty where nothing is.

    Args:
        code: its exit code.
        said: all of what it wrote to stderr.
    """
    if code == DONE:
        return ""
    if code != WRONG:
        return f"exit {code}"
    message = said[said.rfind("titer: ") :].removesuffix("\n")
    if len(message.encode("utf-8", "surrogatepass")) > LONGEST:
        return "long message"
    if not message.isprintable():
        return "control characters"
    return "" if MESSAGE.fullmatch(message) else "no place or remedy"


@contextlib.contextmanager
def _limited(seconds: float) -> Iterator[None]:
    def stop(number: int, frame: FrameType | None) -> None:
        raise Hang(f"{seconds:g} s are up")

    timers = {signal.SIGPROF: (signal.ITIMER_PROF, seconds), signal.SIGALRM: (signal.ITIMER_REAL, WAITING * seconds)}
    before = {number: signal.signal(number, stop) for number in timers}
    left = {timer: signal.setitimer(timer, after) for timer, after in timers.values()}
    try:
        yield
    finally:
        for timer, own in left.items():
            signal.setitimer(timer, *own)
        for number, handler in before.items():
            signal.signal(number, handler)
