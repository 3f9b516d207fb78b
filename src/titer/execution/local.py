"""A pool of worker processes on this machine, each with the threads that the protocol fixes.

A worker that dies is replaced, and its task tried again; one that gives no sign of life is reported, and ended later.
Which is the machine's doing and never a result: nothing of it is written into the store.
"""

from __future__ import annotations

import logging
import time
from collections import Counter, deque
from collections.abc import Callable
from functools import partial
from multiprocessing.connection import wait
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from titer.errors import MachineFailure
from titer.execution.executor import Executor
from titer.execution.processes import WorkerProcess
from titer.study.store import Store

if TYPE_CHECKING:
    from titer.study.tasks import Task

TRIES = 3
"""How often a task is given to a worker in all: a death by chance is over by then, a lack of memory is not."""
LOG = logging.getLogger(__name__)
"""Told while the run goes on: a warning that nobody handles is a line on stderr."""


class Silence(NamedTuple):
    """Seconds without a sign of life after which a worker is reported, and after which it is ended.

    Steps, batches and tokens are signs of life. Silent are the loading of a model and its download, a compilation, a
    judge that waits for a server, and an edit of the weights that takes no steps (a search of directions over all
    layers of a large model): minutes each, and so only an hour of it is taken for a worker that hangs.
    """

    reported: float = 600.0
    ended: float = 3600.0

    @property
    def pulse(self) -> float:
        """Seconds between two beats of a worker, and between two looks at it."""
        return self.reported / 100


SILENCE = Silence()


class LocalPool(Executor):
    """Does tasks in `jobs` processes. A worker ends by itself when the process that started it is gone.

    Args:
        store: the store of the study.
        jobs: how many processes there are at most.
        silence: how long a worker may give no sign of life.
    """

    name: ClassVar[str] = "local"

    def __init__(self, store: Store, jobs: int, silence: Silence = SILENCE) -> None:
        super().__init__(store, jobs)
        self.silence = silence
        self.waiting: deque[Task] = deque()
        self.workers: list[WorkerProcess] = []
        self.tries: Counter[tuple[str, str]] = Counter()
        self.looked = time.monotonic()

    @property
    def do(self) -> Callable[[Task], None]:
        """What a worker does with a task."""
        return partial(work_alone, root=self.store.root)

    def submit(self, task: Task) -> None:
        """Start a task as soon as a worker is free."""
        self.waiting.append(task)
        self._give()

    @property
    def busy(self) -> list[WorkerProcess]:
        """The workers that have a task."""
        return [worker for worker in self.workers if worker.task is not None]

    @property
    def has_room(self) -> bool:
        """Whether a worker has nothing to do, or no task waits for the one that is free next."""
        return len(self.waiting) + len(self.busy) <= self.jobs

    @property
    def is_idle(self) -> bool:
        """Whether nothing is under way."""
        return not self.waiting and not self.busy

    def wait(self) -> Task:
        """Wait until one task is finished, and say which; tasks whose workers die are tried again meanwhile.

        Raises:
            TiterError: what the task raised.
            MachineFailure: if its worker died, or had to be ended, at every try.
        """
        while True:
            self._give()
            self._look()
            for worker in self.busy:
                death, reply, task = worker.death, worker.listen(), worker.task
                assert task is not None
                if reply is not None:
                    worker.task = None
                    if reply.error is not None:
                        raise reply.error
                    return task
                if (reason := death or self._silence_of(worker)) is not None:
                    self.workers.remove(worker)
                    worker.kill()
                    self._try_again(task, reason)

    def close(self) -> None:
        """End the workers, once what they do is done."""
        for worker in self.workers:
            worker.end()

    def abort(self) -> None:
        """End the workers at once."""
        for worker in self.workers:
            worker.process.kill()
        self.close()

    def _give(self) -> None:
        """Give the tasks that wait to workers that are free, or new."""
        while self.waiting and len(self.busy) < self.jobs:
            worker = next((worker for worker in self.workers if worker.task is None), None)
            if worker is None:
                worker = WorkerProcess(self.do, self.silence.pulse)
                self.workers.append(worker)
            try:
                worker.give(self.waiting[0])
            except OSError:  # it died while it had nothing to do
                self.workers.remove(worker)
                worker.kill()
            else:
                self.waiting.popleft()

    def _look(self) -> None:
        """Wait for a word or the death of a worker; the silence of each grows, by no more than two looks take.

        A run that was stopped for hours, with its workers, has not heard them either.
        """
        wait([handle for worker in self.busy for handle in worker.handles], self.silence.pulse)
        now = time.monotonic()
        passed, self.looked = min(now - self.looked, 2 * self.silence.pulse), now
        for worker in self.busy:
            worker.silent += passed

    def _silence_of(self, worker: WorkerProcess) -> str | None:
        """Why a worker is to be ended, if it has been silent for so long; told before."""
        task = worker.task
        assert task is not None
        if worker.silent > self.silence.ended:
            return f"it was silent for {self.silence.ended / 60:g} min, and was ended"
        if worker.silent > self.silence.reported and not worker.reported:
            worker.reported = True
            silent = f"has been silent for {self.silence.reported / 60:g} min"
            end = f"it is ended after {self.silence.ended / 60:g} min"
            LOG.warning("titer: the worker at %s %s %s; %s", task.kind, task.key, silent, end)
        return None

    def _try_again(self, task: Task, reason: str) -> None:
        self.tries[task.kind, task.key] += 1
        tries, name = self.tries[task.kind, task.key], f"{task.kind} {task.key}"
        if tries == TRIES:
            LOG.warning("titer: a worker died at %s for the last time (%s); the rest goes on", name, reason)
            raise MachineFailure(name, f"{reason}, at the last of {TRIES} tries")
        LOG.warning("titer: a worker died at %s (%s); it is tried again, %d of %d", name, reason, tries + 1, TRIES)
        self.waiting.append(task)


def work_alone(task: Task, root: Path) -> None:
    """Do a task in a process of its own, with as many threads as the task says, deterministically."""
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
