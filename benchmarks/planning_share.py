"""How much of a run the parent plans: `python -m benchmarks.planning_share examples/demo.toml OUT --jobs 2`.

Freezing is timed apart. The share is of the wall time of the run, in which the workers compute.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from titer.cli.run import begin
from titer.planning.plan import Planner
from titer.run import run
from titer.study.folder import Study
from titer.study.tasks import Task

SPENT: list[float] = []
"""Seconds of each call of a planner: the first is the first plan."""


@contextmanager
def timed() -> Iterator[None]:
    start = time.perf_counter()
    yield
    SPENT.append(time.perf_counter() - start)


class TimedPlanner(Planner):
    """A planner whose calls are timed."""

    def __init__(self, study: Study) -> None:
        with timed():
            super().__init__(study)

    def take(self) -> Task | None:
        """As of every planner."""
        with timed():
            return super().take()

    def finish(self, task: Task) -> bool:
        """As of every planner."""
        with timed():
            return super().finish(task)

    def keep(self) -> None:
        """As of every planner."""
        with timed():
            super().keep()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("protocol", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=float("inf"), help="stop with the first task after so many")
    given = parser.parse_args()
    start = time.perf_counter()
    study = begin(given.protocol, given.out)
    frozen = time.perf_counter()
    finished = 0
    for progress in run(study, given.jobs, planned=TimedPlanner):
        finished += progress.finished is not None
        if (wall := time.perf_counter() - frozen) > given.seconds:
            break
    print(f"freezing {frozen - start:.1f} s; {finished} tasks in {wall:.1f} s")
    print(f"first plan {SPENT[0]:.2f} s; all planning {sum(SPENT):.2f} s, {sum(SPENT) / wall:.2%} of the run")


if __name__ == "__main__":
    main()
