"""Pools whose workers fail at chosen tasks, as they would by themselves once in a thousand hours."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import ClassVar

from titer.execution.local import LocalPool, Silence, work_alone
from titer.study.store import Store
from titer.study.tasks import Task


def tried(task: Task, root: Path) -> int:
    """How often this task was begun, this time included: a file in the store remembers."""
    path = root / f"tried-{task.kind}-{task.key}"
    with path.open("a") as stream:
        stream.write("x")
    return path.stat().st_size


def work_or_fail(task: Task, root: Path, fail: Callable[[Task, int], None]) -> None:
    """Let `fail` have its way with a task and the number of its try; then do it."""
    fail(task, tried(task, root))
    work_alone(task, root)


def killed_once(task: Task, number: int) -> None:
    """Every worker is killed at its first try."""
    if number == 1:
        os.kill(os.getpid(), signal.SIGKILL)


def killed_at_makes(task: Task, number: int) -> None:
    """Whatever makes a subject is killed."""
    if task.kind == "make":
        os.kill(os.getpid(), signal.SIGKILL)


def out_of_memory_once(task: Task, number: int) -> None:
    """The first try finds no memory, as torch says it."""
    if number == 1:
        raise RuntimeError("[enforce fail at alloc_cpu.cpp:124] . DefaultCPUAllocator: can't allocate memory")


def silent_once(task: Task, number: int) -> None:
    """The first try of one task hangs."""
    if task.key == "cell3" and number == 1:
        time.sleep(600)


def interpreter_ends(task: Task, number: int) -> None:
    """A library ends the process."""
    os._exit(3)


class FailingPool(LocalPool):
    """A pool of this machine whose workers are killed at the first try of each task; others fail as they say."""

    name: ClassVar[str] = "failing"

    @property
    def fail(self) -> Callable[[Task, int], None]:
        return killed_once

    @property
    def do(self) -> Callable[[Task], None]:
        return partial(work_or_fail, root=self.store.root, fail=self.fail)


class WithoutMemory(FailingPool):
    @property
    def fail(self) -> Callable[[Task, int], None]:
        return out_of_memory_once


class WithoutMakes(FailingPool):
    @property
    def fail(self) -> Callable[[Task, int], None]:
        return killed_at_makes


class Ending(FailingPool):
    @property
    def fail(self) -> Callable[[Task, int], None]:
        return interpreter_ends


class Hanging(FailingPool):
    """One that waits for seconds only."""

    def __init__(self, store: Store, jobs: int) -> None:
        super().__init__(store, jobs, Silence(reported=1.0, ended=6.0))

    @property
    def fail(self) -> Callable[[Task, int], None]:
        return silent_once
