"""An executor that needs no process."""

from __future__ import annotations

from titer.execution.executor import Executor
from titer.execution.worker import work
from titer.study.tasks import Task


class InProcess(Executor):
    """Does one task after the other in the process of the run."""

    name = "in_process"
    next: Task | None = None

    def submit(self, task: Task) -> None:
        self.next = task

    @property
    def has_room(self) -> bool:
        return self.next is None

    @property
    def is_idle(self) -> bool:
        return self.next is None

    def wait(self) -> Task:
        assert self.next is not None
        task, self.next = self.next, None
        work(task, self.store)
        return task

    def close(self) -> None:
        pass
