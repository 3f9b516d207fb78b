"""One worker process: it is sent tasks and replies to each, beats while it works, and may die at any moment."""

from __future__ import annotations

import errno
import multiprocessing
import os
import pickle
import signal
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing import forkserver
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING

from titer.errors import TiterError
from titer.heartbeat import listening

if TYPE_CHECKING:
    from titer.study.tasks import Task

PRELOAD = ["torch", "transformers", "peft", "titer.execution.worker"]
"""Imported once in the fork server, so that a worker starts in milliseconds."""
OUT_OF_MEMORY = 77
"""The exit code of a worker that found no memory: it ends, and gives back what it holds."""
PATIENCE_SECONDS = 60.0
"""How long a worker that has nothing to do may take to end: a method may have left a thread behind."""
FULL = (
    "out of memory",
    "can't allocate memory",
    "not enough memory",
    "bad_alloc",
    "can't start new thread",
    "ALLOC_FAILED",
)
"""How the errors of torch, CUDA and Python say so, which are RuntimeErrors."""


@dataclass(frozen=True)
class Reply:
    """What became of a task: nothing but its end, or the error that it raised."""

    error: Exception | None


class WorkerProcess:
    """A process that does one task after the other.

    Args:
        do: does a task; is sent to the process, and so a function of a module.
        every: seconds between two beats.
    """

    def __init__(self, do: Callable[[Task], None], every: float) -> None:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(PRELOAD)
        _start_server()
        self.connection, theirs = context.Pipe()
        self.process = context.Process(target=serve, args=(theirs, do, every))
        self.process.start()
        theirs.close()
        self.task: Task | None = None
        """What it does."""
        self.silent = 0.0
        """Seconds since its last sign of life."""
        self.reported = False
        """Whether its silence was told."""

    @property
    def handles(self) -> tuple[Connection, int]:
        """What is ready as soon as it says something or dies."""
        return self.connection, self.process.sentinel

    def give(self, task: Task) -> None:
        """Send it a task.

        Raises:
            OSError: if it has died since the last one.
        """
        self.connection.send(task)
        self.task = task
        self._alive()

    def listen(self) -> Reply | None:
        """What it has said since: the reply to its task, if that is among it."""
        try:
            while self.connection.poll():
                self._alive()
                said: Reply | None = self.connection.recv()
                if said is not None:
                    return said
        except (EOFError, OSError):  # it died, perhaps in the middle of a word
            pass
        return None

    @property
    def death(self) -> str | None:
        """Why it is dead; None while it lives."""
        code = self.process.exitcode
        if code is None:
            return None
        if code == OUT_OF_MEMORY:
            return "it ran out of memory"
        if code == -signal.SIGKILL:
            return "it was killed by SIGKILL, as the system does where memory is short"
        return f"it was killed by {signal.Signals(-code).name}" if code < 0 else f"it ended with exit code {code}"

    def end(self) -> None:
        """Let it end; it has nothing to do."""
        self.connection.close()
        self.process.join(PATIENCE_SECONDS)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()

    def kill(self) -> None:
        """End it at once."""
        self.process.kill()
        self.end()

    def _alive(self) -> None:
        self.silent, self.reported = 0.0, False


def _start_server() -> None:
    """Start the fork server deaf to interrupts, also while it imports: its parent handles them."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        forkserver.ensure_running()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


# ---------------------------------------------------------------------------------------------------- in the process
def serve(connection: Connection, do: Callable[[Task], None], every: float) -> None:
    """Do the tasks that come, until the connection is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ["CUBLAS_WORKSPACE_CONFIG"] = ":4096:8"  # deterministic, told before it is loaded
    threading.Thread(target=_end_with_parent, daemon=True).start()
    sending = threading.Lock()  # a method's own threads may beat

    def say(word: Reply | None) -> None:
        with sending:
            connection.send(word)

    with listening(lambda: say(None), every):
        while True:
            try:
                task = connection.recv()
            except EOFError:
                return
            say(Reply(_error_of(do, task)))


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _error_of(do: Callable[[Task], None], task: Task) -> Exception | None:
    """Do a task; the error that it raised, as it can be sent."""
    try:
        do(task)
    except Exception as error:  # the boundary of the process: whatever it is goes to the run
        if is_out_of_memory(error):
            os._exit(OUT_OF_MEMORY)
        return _sendable(error)
    return None


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory was not to be had, as Python, the system, torch and CUDA say it.

    So does one that was raised of such an error: what a worker reads was looked at before, and is not to blame.
    """
    if error.__cause__ is not None and is_out_of_memory(error.__cause__):
        return True
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    return isinstance(error, MemoryError) or (
        isinstance(error, RuntimeError) and any(sign in str(error) for sign in FULL)
    )


def _sendable(error: Exception) -> Exception:
    """The error with its traceback; one that cannot cross to another process is told in words."""
    if not isinstance(error, TiterError):
        error.add_note("".join(traceback.format_exception(error)))
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:  # whatever the error of a foreign package does when it is packed
        return RuntimeError("".join(traceback.format_exception(error)))
    return error
