"""Where the tasks of a study are done: what `titer.run.run` asks of a pool of workers, here or elsewhere."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from types import TracebackType
from typing import TYPE_CHECKING, ClassVar, Self

if TYPE_CHECKING:
    from titer.study.store import Store
    from titer.study.tasks import Task


class Executor(ABC):
    """A place where tasks are done: worker processes of this machine, a cluster, or the process itself.

    A task is plain data. Whoever does it calls `titer.execution.worker.work(task, store)` with the same store, where
    all that it reads and writes is; nothing else passes between the run and its workers. To be used as a context: its
    end calls `close`, or `abort` where something went wrong.

    Args:
        store: the store of the study.
        jobs: how many tasks may be done at once.

    >>> from titer.execution.worker import work
    >>> from titer.testing import check_executor
    >>> class InProcess(Executor):
    ...     '''Does one task after the other in the process of the run.'''
    ...
    ...     name = "in_process"
    ...
    ...     def __init__(self, store, jobs):
    ...         super().__init__(store, jobs)
    ...         self.next = None
    ...
    ...     def submit(self, task):
    ...         self.next = self.next or task
    ...
    ...     def wait(self):
    ...         task, self.next = self.next, None
    ...         work(task, self.store)
    ...         return task
    ...
    ...     def close(self):
    ...         pass
    >>> check_executor(InProcess)
    """

    name: ClassVar[str]

    def __init__(self, store: Store, jobs: int) -> None:
        self.store = store
        self.jobs = jobs

    @abstractmethod
    def submit(self, task: Task) -> None:
        """Take a task, or leave it: the run submits every task again that is still missing, after each that is done.

        A task that is `under_way` must be left, and so may one for which there is no room; where nothing is being
        done one must be taken.
        """

    @abstractmethod
    def wait(self) -> Task:
        """Wait until one of the tasks taken is done, and say which.

        Raises:
            TiterError: what the task raised; a RunError, saying what to change, if it could not be done here.
        """

    @abstractmethod
    def close(self) -> None:
        """End the workers, once what they do is done."""

    def abort(self) -> None:
        """End the workers at once: whatever they lose is done again by the next run."""
        self.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            self.abort()


def under_way(task: Task, running: Iterable[Task]) -> bool:
    """Whether a task is being done already, or the exposure whose answers it judges: that judges them itself."""
    busy = {other.key for other in running}
    return not busy.isdisjoint({task.key, task.judge.cell if task.kind == "judge" else task.key})
