"""At which learning rates the benign tasks of a study are run: as the protocol names them, or as its search finds."""

from __future__ import annotations

from titer.analysis import learning_rate_grid
from titer.analysis.conditions.learning_rates import rate_trial
from titer.analysis.curves import read_curve
from titer.analysis.findings import Curve
from titer.analysis.learning_rate_grid import SEARCH_SEEDS, Grid, RateTrial
from titer.planning.cells import CellBuilder
from titer.planning.curves import PlannedCurve
from titer.protocol.condition_configs import TrainabilityConfig
from titer.records import Role
from titer.study.folder import Study
from titer.study.view import StoreView

ChosenRates = dict[str, dict[Role, tuple[float, ...]]]
"""Per task and subject the rates to be run for the verdict."""


class RateSearches:
    """The grids of learning rates of all benign tasks of a study, as far as they have come."""

    def __init__(self, study: Study) -> None:
        self.study = study
        self.plan: TrainabilityConfig | None = study.protocol.trainability
        self.grids: dict[str, Grid] = {}
        self._builders = [CellBuilder(study, index, "search") for index in range(SEARCH_SEEDS)]
        self._trials: dict[tuple[str, float], list[PlannedCurve]] = {}
        self._read: dict[tuple[str, ...], Curve] = {}

    @property
    def searched(self) -> bool:
        """Whether the protocol names several rates, of which the best is to be found."""
        return self.plan is not None and len(self.plan.rates) > 1

    def advance(self, view: StoreView) -> None:
        """Bring the grid of every task up to date."""
        if self.plan is not None and self.searched:
            self.grids = {task: self._grid(view, self.plan, task) for task in self.plan.tasks}

    @property
    def curves(self) -> list[PlannedCurve]:
        """The trials of every grid, as wide as it has become so far."""
        return [curve for task, grid in self.grids.items() for rate in grid.rates for curve in self._of(task, rate)]

    @property
    def chosen(self) -> ChosenRates:
        """The rates at which each task is run for the verdict; a task whose search goes on is left out.

        After a search the defended is run at its own best rate and, for the report, at that of the undefended.
        """
        if self.plan is not None and not self.searched:
            return {task: {"undefended": self.plan.rates, "defended": self.plan.rates} for task in self.plan.tasks}
        return {
            task: {
                "undefended": (grid.best["undefended"],),
                "defended": tuple(dict.fromkeys((grid.best["defended"], grid.best["undefended"]))),
            }
            for task, grid in self.grids.items()
            if grid.settled
        }

    def _grid(self, view: StoreView, plan: TrainabilityConfig, task: str) -> Grid:
        """The grid of one task, from the trials that have come to their end."""
        tried: dict[Role, list[RateTrial]] = {"undefended": [], "defended": []}
        for rate in learning_rate_grid.reachable(plan.rates):
            if task in self.grids and rate not in self.grids[task].rates and (task, rate) not in self._trials:
                continue
            for role, own in tried.items():
                finished = [
                    curve
                    for planned in self._of(task, rate)
                    if planned.spec.subject == role and (curve := self._finished(view, planned)) is not None
                ]
                if len(finished) == SEARCH_SEEDS:
                    own.append(rate_trial(plan, task, rate, finished))
        return learning_rate_grid.grid(plan.rates, tried, plan.margin)

    def _of(self, task: str, rate: float) -> list[PlannedCurve]:
        """The trials of one rate, of both subjects at every search seed."""
        if (task, rate) not in self._trials:
            curves = [curve for builder in self._builders for curve in builder.trials(task, rate)]
            self._trials[task, rate] = curves
        return self._trials[task, rate]

    def _finished(self, view: StoreView, planned: PlannedCurve) -> Curve | None:
        """A trial that has come to its end, which is read once; None while it has not."""
        if planned.name not in self._read:
            read = read_curve(self.study.frozen, view, planned.specs)
            if read.missing is not None:
                return None
            self._read[planned.name] = read.curve
        return self._read[planned.name]
