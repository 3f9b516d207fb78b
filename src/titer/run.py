"""The main loop: ask plan what is missing, hand it to workers, until nothing is left.

Read this first. `run` is the loop; `execution/worker.py` has the three kinds of work: make, expose and judge.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from titer.errors import RunError
from titer.execution.executor import Executor
from titer.execution.local import LocalPool
from titer.planning.freeze import restore_data
from titer.planning.plan import Plan, plan
from titer.study.folder import Study, check_disjoint
from titer.study.tasks import RunStatus, Task


@dataclass(frozen=True)
class Progress:
    """Where a run is: the plan it works on, and the task that was just finished."""

    plan: Plan
    finished: Task | None


def run(
    study: Study, jobs: int = 1, ask: Callable[[Study], Plan] = plan, executor: type[Executor] = LocalPool
) -> Iterator[Progress]:
    """Do all that is missing, with `jobs` workers; yields after every finished task.

    Args:
        study: the study to finish.
        jobs: worker processes.
        ask: what is asked for the missing tasks, again and again: the whole study, or a part of it.
        executor: where the tasks are done; processes of this machine by default.

    Raises:
        InputError: if splits share rows that must not.
        BusyError: if another process runs this study.
        RunError: if the machine failed; what was finished is kept, and nothing half-written is left.
    """
    check_disjoint(study.frozen)
    with study.locked(), study.store.in_use():
        restore_data(study)
        current = _asked(study, ask)
        yield Progress(current, None)
        with executor(study.store, jobs) as pool:
            while current.tasks:
                for task in current.tasks:
                    pool.submit(task)
                finished = pool.wait()
                current = _asked(study, ask)
                if finished in current.tasks:
                    raise RunError(f"{finished.kind} {finished.key} was done, and is still missing")
                yield Progress(current, finished)


def _asked(study: Study, ask: Callable[[Study], Plan]) -> Plan:
    """What is missing; what the plan of the whole study asks for is written down.

    Where nothing is missing it is asked once more: what a worker wrote while the plan was made may end a round of a
    search, whose next one was not planned then. The second answer is made with no work under way.
    """
    current = ask(study)
    if not current.tasks:
        current = ask(study)
    if current.whole:
        study.keep_plan(current.cells, RunStatus(finished=not current.tasks, replaced=current.replaced))
    return current
