"""At which learning rates the benign tasks of a study are run: as the protocol names them, or as its search finds."""

from __future__ import annotations

from titer.analysis import learning_rate_grid, stopping
from titer.analysis.learning_rate_grid import SEARCH_SEEDS, Grid, RateTrial
from titer.planning.cells import CellBuilder
from titer.planning.curves import Track
from titer.records import Role
from titer.study.folder import Study
from titer.study.store import Store

Chosen = dict[str, dict[Role, tuple[float, ...]]]
"""Per task and subject the rates to be run for the verdict."""
Run = list[tuple[int, float]]
"""The doses at which one trial was read, with the rate of right answers."""


def grids(study: Study) -> dict[str, Grid]:
    """The grid of every task, from the readings that are there; none where the protocol names one rate."""
    plan = study.protocol.trainability
    if plan is None or len(plan.rates) == 1:
        return {}
    return {task: grid_of(study, task) for task in plan.tasks}


def trial_tracks(study: Study, found: dict[str, Grid]) -> list[Track]:
    """The trials of every task's grid, as wide as it has become so far."""
    return [track for task, grid in found.items() for rate in grid.rates for track in _trials(study, task, rate)]


def chosen(study: Study, found: dict[str, Grid]) -> Chosen:
    """The rates at which each task is run for the verdict; a task whose search goes on is left out.

    After a search M* is run at its own best rate and, for the report, at that of M.
    """
    plan = study.protocol.trainability
    if plan is not None and len(plan.rates) == 1:
        return {task: {"undefended": plan.rates, "defended": plan.rates} for task in plan.tasks}
    return {
        task: {
            "undefended": (grid.best["undefended"],),
            "defended": tuple(dict.fromkeys((grid.best["defended"], grid.best["undefended"]))),
        }
        for task, grid in found.items()
        if grid.settled
    }


def grid_of(study: Study, task: str) -> Grid:
    """The grid of one task, from the readings that are there."""
    plan = study.protocol.trainability
    assert plan is not None
    tried: dict[Role, list[RateTrial]] = {"undefended": [], "defended": []}
    for rate in learning_rate_grid.reachable(plan.rates):
        runs: dict[Role, list[Run | None]] = {"undefended": [], "defended": []}
        for track in _trials(study, task, rate):
            runs[track.cells[0].planned.subject].append(_run(study.store, track))
        for role, own in runs.items():
            finished = [run for run in own if run is not None]
            if len(finished) == SEARCH_SEEDS:
                tried[role].append(RateTrial.of(rate, finished, plan.target[task]))
    return learning_rate_grid.grid(plan.rates, tried)


def _trials(study: Study, task: str, rate: float) -> list[Track]:
    builders = [CellBuilder(study, index, "search") for index in range(SEARCH_SEEDS)]
    return [track for builder in builders for track in builder.trials(task, rate)]


def _run(store: Store, track: Track) -> Run | None:
    """What one trial read, up to its failure where it failed; None while it is not finished."""
    found: Run = []
    for cell in track.cells:
        planned = cell.planned
        failed = any(store.failure(key) is not None for key in (*planned.makes, planned.key))
        (judge,) = planned.judges
        for dose in stopping.wanted(store, planned):
            if not store.scores(judge.key, dose).exists():
                return found if failed else None
            values = store.read_values(judge.key, dose)
            found.append((dose, stopping.num_showing((values,), "correct") / len(values)))
        if failed or stopping.ended_at(store, planned) is not None:
            break
    return found
