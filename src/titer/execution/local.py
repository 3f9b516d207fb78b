"""A pool of worker processes on this machine, each with the threads that the protocol fixes."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import forkserver
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from titer.errors import RunError, TiterError
from titer.execution.executor import Executor
from titer.study.store import Store

if TYPE_CHECKING:
    from titer.study.tasks import Task

PRELOAD = ["torch", "transformers", "peft", "titer.execution.worker"]
"""Imported once in the fork server, so that a worker starts in milliseconds."""


class LocalPool(Executor):
    """Does tasks in `jobs` processes. A worker ends by itself when the process that started it is gone."""

    name: ClassVar[str] = "local"

    def __init__(self, store: Store, jobs: int) -> None:
        super().__init__(store, jobs)
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(PRELOAD)
        _start_server()
        self.running: dict[Future[None], Task] = {}
        self.pool = ProcessPoolExecutor(jobs, context, initializer=_begin)

    def submit(self, task: Task) -> None:
        """Start a task as soon as a worker is free."""
        try:
            self.running[self.pool.submit(_do, task, self.store.root)] = task
        except BrokenProcessPool as error:
            raise _died(next(iter(self.running.values()), task)) from error

    @property
    def has_room(self) -> bool:
        """Whether a worker has nothing to do, or no task waits for the one that is free next."""
        return len(self.running) <= self.jobs

    @property
    def is_idle(self) -> bool:
        """Whether nothing is under way."""
        return not self.running

    def wait(self) -> Task:
        """Wait until one task is finished, and say which.

        Raises:
            RunError: if it could not be done on this machine, or its worker died.
        """
        done, _ = wait(self.running, return_when=FIRST_COMPLETED)
        future = done.pop()
        task = self.running.pop(future)
        try:
            future.result()
        except TiterError:
            raise
        except BrokenProcessPool as error:
            raise _died(task) from error
        except MemoryError as error:
            raise RunError(f"out of memory at {task.kind} {task.key}. Use fewer --jobs or a smaller batch") from error
        return task

    def close(self) -> None:
        """End the workers, once what they do is done."""
        self.pool.shutdown(cancel_futures=True)

    def abort(self) -> None:
        """End the workers at once."""
        for process in list((self.pool._processes or {}).values()):
            process.kill()
        self.pool.shutdown(wait=False, cancel_futures=True)


def _died(task: Task) -> RunError:
    return RunError(f"a worker died at {task.kind} {task.key}, perhaps for lack of memory")


def _start_server() -> None:
    """Start the fork server deaf to interrupts, also while it imports: its parent handles them."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        forkserver.ensure_running()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _begin() -> None:
    """Leave interrupts to the parent, and end with it; cuBLAS is told to be deterministic before it is loaded."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ["CUBLAS_WORKSPACE_CONFIG"] = ":4096:8"
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _do(task: Task, root: Path) -> None:
    import torch

    from titer.execution.worker import work

    torch.set_num_threads(_threads(task))
    torch.use_deterministic_algorithms(True)
    work(task, Store(root))


def _threads(task: Task) -> int:
    from titer.study.tasks import JudgeTask, MakeTask

    if isinstance(task, JudgeTask):
        return 1
    return task.compute.threads if isinstance(task, MakeTask) else task.inputs.compute.threads
