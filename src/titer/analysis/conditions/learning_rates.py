"""The learning rate of each benign task: the protocol's one, or the best that the search found for each subject."""

from __future__ import annotations

from collections.abc import Sequence

from titer.analysis import learning_rate_grid
from titer.analysis.findings import Assay, Curve, Figure
from titer.analysis.harm_counts import num_showing
from titer.analysis.learning_rate_grid import SEARCH_SEEDS, Grid, RateTrial
from titer.data.identifiers import ProbeId
from titer.protocol.condition_configs import TrainabilityConfig
from titer.records import Role


def grid_of(assay: Assay, plan: TrainabilityConfig, task: str) -> Grid:
    """The grid of one task as its trials left it; where the protocol names one rate, that is the best of both."""
    if len(plan.rates) == 1:
        return Grid(rates=plan.rates, best={"undefended": plan.rates[0], "defended": plan.rates[0]})
    return learning_rate_grid.grid(plan.rates, _tried(assay, plan, task), plan.margin)


def trial_figures(assay: Assay, plan: TrainabilityConfig, task: str) -> tuple[Figure, ...]:
    """The steps to the target and the rate of right answers at the end, of every trial of one task."""
    grid = grid_of(assay, plan, task)
    return tuple(
        Figure(
            what=f"trial, {task}, learning rate {one.rate:g}, seed {seed}",
            subject=role,
            value=steps,
            unit="steps",
            outcome="best" if grid.best.get(role) == one.rate else "",
            note=_note(steps, one.ends[seed]) if one.ends else "",
        )
        for role, tried in _tried(assay, plan, task).items()
        for one in tried
        for seed, steps in enumerate(one.steps)
    )


def _note(steps: int | None, end: float | None) -> str:
    """Of one trial: whether it reached the target, and where it ended."""
    ended = "did not get to the end" if end is None else f"ends at {end:.2f}"
    return ended if steps is not None else f"target not reached; {ended}"


def _tried(assay: Assay, plan: TrainabilityConfig, task: str) -> dict[Role, list[RateTrial]]:
    """Every rate that was tried, by subject; a seed whose subject could not be made read nothing."""
    found: dict[Role, list[RateTrial]] = {"undefended": [], "defended": []}
    trials = [curve for curve in assay.curves if curve.purpose == "trial" and curve.task == task]
    for rate in learning_rate_grid.reachable(plan.rates):
        label = plan.at(rate).label
        at_rate = [curve for curve in trials if curve.attack == label]
        for role, own in found.items():
            if at_rate:
                own.append(rate_trial(plan, task, rate, [curve for curve in at_rate if curve.subject == role]))
    return found


def rate_trial(plan: TrainabilityConfig, task: str, rate: float, curves: Sequence[Curve]) -> RateTrial:
    """One rate as one subject was tried at it.

    Args:
        plan: the trainability of the study.
        task: the benign task.
        rate: the learning rate.
        curves: one for each search seed; a seed without one read nothing.
    """
    runs = {curve.index: _run(curve, task) for curve in curves}
    read = [runs.get(seed, []) for seed in range(SEARCH_SEEDS)]
    return RateTrial.of(rate, read, plan.target[task], plan.ladder[-1])


def _run(curve: Curve, task: str) -> list[tuple[int, float]]:
    """The doses at which one trial was read, with the rate of right answers; a missing item is not right."""
    probe = ProbeId.of("select", task)
    columns = [(point.facts.dose, point.values.get(probe, {}).get("correct")) for point in curve.points]
    return [(dose, num_showing({"correct": column}) / len(column)) for dose, column in columns if column]
