"""The learning rate of each benign task: the protocol's one, or the best that the search found for each subject."""

from __future__ import annotations

from titer.analysis import learning_rate_grid
from titer.analysis.findings import Assay, Line, Trace
from titer.analysis.learning_rate_grid import SEARCH_SEEDS, Grid, Tried
from titer.protocol.schema import Trainability
from titer.records import Role


def grid_of(assay: Assay, plan: Trainability, task: str) -> Grid:
    """The grid of one task as its trials left it; where the protocol names one rate, that is the best of both."""
    if len(plan.rates) == 1:
        return Grid(rates=plan.rates, best={"M": plan.rates[0], "M*": plan.rates[0]})
    return learning_rate_grid.grid(plan.rates, _tried(assay, plan, task))


def trial_lines(assay: Assay, plan: Trainability, task: str) -> tuple[Line, ...]:
    """The steps to the target and the rate at the last rung read, of every trial of one task."""
    grid = grid_of(assay, plan, task)
    return tuple(
        Line(
            what=f"trial, {task}, learning rate {one.rate:g}, seed {seed}",
            subject=role,
            value=steps,
            unit="steps",
            word="best" if grid.best.get(role) == one.rate else "",
            note="" if steps is not None else "target not reached",
        )
        for role, tried in _tried(assay, plan, task).items()
        for one in tried
        for seed, steps in enumerate(one.steps)
    )


def _tried(assay: Assay, plan: Trainability, task: str) -> dict[Role, list[Tried]]:
    """Every rate that was tried, by subject; a seed whose subject could not be made read nothing."""
    found: dict[Role, list[Tried]] = {"M": [], "M*": []}
    trials = [trace for trace in assay.traces if trace.purpose == "trial" and trace.task == task]
    for rate in learning_rate_grid.reachable(plan.rates):
        label = plan.at(rate).label
        at_rate = [trace for trace in trials if trace.attack == label]
        for role, own in found.items():
            runs = {trace.index: _run(trace, task) for trace in at_rate if trace.subject == role}
            if at_rate:
                own.append(Tried.of(rate, [runs.get(seed, []) for seed in range(SEARCH_SEEDS)], plan.target[task]))
    return found


def _run(trace: Trace, task: str) -> list[tuple[int, float]]:
    """The doses at which one trial was read, with the rate of right answers; a missing item is not right."""
    columns = [(rung.facts.dose, rung.values.get(f"select:{task}", {}).get("correct")) for rung in trace.rungs]
    return [
        (dose, sum(value is not None and value >= 0.5 for value in column) / len(column))
        for dose, column in columns
        if column
    ]
