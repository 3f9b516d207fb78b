"""The main loop: ask the planner what can be done, hand it to workers, until nothing is left.

Read this first. `run` is the loop; `execution/worker.py` has the three kinds of work: make, expose and judge.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from pathlib import Path

from titer.analysis.concluding import cells_of
from titer.data.contamination import check_disjoint
from titer.errors import MachineFailure, RunError
from titer.execution.executor import Executor
from titer.execution.local import LocalPool
from titer.planning.blind_judges import check_sight
from titer.planning.cost.machine import DiskReserve, free_bytes
from titer.planning.freeze import restore_data
from titer.planning.plan import Planner
from titer.study.folder import Study
from titer.study.root import read_root
from titer.study.sealing import check_before, seal
from titer.study.tasks import Task

MOST_TOLD = 5
"""Tasks that are named when the machine could not do them."""


@dataclass(frozen=True)
class Progress:
    """Where a run is: its planner, and the task that was just finished."""

    planner: Planner
    finished: Task | None

    @property
    def unfinished(self) -> int:
        """How many curves are not finished."""
        return self.planner.unfinished


def run(
    study: Study,
    jobs: int = 1,
    planned: Callable[[Study], Planner] = Planner,
    executor: type[Executor] = LocalPool,
    free: Callable[[Path], int] = free_bytes,
) -> Generator[Progress, None, None]:
    """Do all that is missing, with `jobs` workers; yields after every finished task.

    Args:
        study: the study to finish.
        jobs: worker processes.
        planned: plans it: the whole study, or a part of it.
        executor: where the tasks are done; processes of this machine by default.
        free: the bytes that are free on the disk of a folder.

    Raises:
        InputError: if splits share rows that must not, or the judges do not see the harm.
        BusyError: if another process runs this study.
        RunError: if the machine failed, or its disk is nearly full: then no task is begun, those under way are
            finished; what was finished is kept, and nothing half-written is left. A task whose workers die does not
            end the run: all else is done before it is told.
    """
    check_disjoint(study.frozen.overlaps)
    check_sight(study)
    with study.locked(), study.store.in_use():
        check_before(study, cells_of(study))
        restore_data(study)
        planner = planned(study)
        sealed = read_root(study.folder).is_sealed  # then its plan is in its root, and is not written again
        if not sealed:
            planner.keep()
        yield Progress(planner, None)
        failures: list[MachineFailure] = []
        reserve, full = DiskReserve(planner.study, free), None
        with executor(study.store, jobs) as pool:
            while True:
                while full is None and pool.has_room and (task := planner.take()) is not None:
                    full = reserve.shortage(planner.under_way)
                    if full is None:
                        pool.submit(task)
                if pool.is_idle:
                    break
                try:
                    finished = pool.wait()
                except MachineFailure as failure:
                    failures.append(failure)
                    continue
                if planner.finish(finished) and not sealed:
                    planner.keep()
                yield Progress(planner, finished)
        if not sealed:
            planner.keep()
        if full is not None:
            raise full
        if failures:
            raise _unfinished(failures)
        if planner.whole is not None and study.read_status().finished:
            seal(study, cells_of(study))


def _unfinished(failures: Sequence[MachineFailure]) -> RunError:
    """What the machine could not do, once all else is done."""
    told = [str(failure) for failure in failures[:MOST_TOLD]]
    if len(failures) > MOST_TOLD:
        told.append(f"and {len(failures) - MOST_TOLD} more")
    return RunError(
        f"{len(failures)} of the tasks could not be done, by the machine's failure: {'; '.join(told)}. All else is "
        "done and kept; nothing is concluded before these are. Run again, with fewer --jobs if memory is short; where "
        "it is too short for one, begin a study with a smaller compute.batch"
    )
