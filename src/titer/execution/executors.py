"""Every executor by name: titer's own, and those that other packages bring as entry points `titer.executors`."""

from __future__ import annotations

from typing import Final

from titer.execution.executor import Executor
from titer.execution.local import LocalPool
from titer.methods.plugins import Catalog

EXECUTORS: Final[Catalog[Executor]] = Catalog("executors", Executor, {LocalPool.name: LocalPool})


def executor(name: str, place: str = "executor") -> type[Executor]:
    """The executor of that name, which is made with a store and a number of jobs.

    Raises:
        InputError: if there is none, or the package that brings it cannot be used.
    """
    return EXECUTORS.find(name, place)
