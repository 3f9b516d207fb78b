"""Where the tasks of a study are done: what `titer.run.run` asks of a pool of workers, here or elsewhere."""

from __future__ import annotations

from abc import ABC, abstractmethod
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
    ...     next = None
    ...
    ...     def submit(self, task):
    ...         self.next = task
    ...
    ...     @property
    ...     def has_room(self):
    ...         return self.next is None
    ...
    ...     @property
    ...     def is_idle(self):
    ...         return self.next is None
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
        """Take a task, which is done as soon as there is a worker for it. The run gives each task once."""

    @property
    @abstractmethod
    def has_room(self) -> bool:
        """Whether another task may be given: the run gives tasks until there is no room, then waits for one."""

    @property
    @abstractmethod
    def is_idle(self) -> bool:
        """Whether no task that was given is still to be waited for."""

    @abstractmethod
    def wait(self) -> Task:
        """Wait until one of the tasks taken is done, and say which.

        Raises:
            MachineFailure: if it could not be done here, as a worker that died again and again: the rest goes on.
            TiterError: what the task raised, which ends the run.
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
