"""The search for the learning rate of a benign task, run: its trials, and what is read after it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.studies import begin, finish
from support.tiny_study import tiny_protocol

from titer.analysis import learning_rate_grid
from titer.analysis.learning_rate_grid import Grid
from titer.data.identifiers import ProbeId
from titer.planning.learning_rate_search import RateSearches
from titer.planning.plan import plan
from titer.study.folder import Study
from titer.study.view import StoreView

RATES = [1e-4, 3e-4, 9e-4, 2.7e-3, 8.1e-3]


def with_search(data: dict[str, Any]) -> None:
    """Five rates, of which the first teaches nothing within the ladder."""
    whole = tiny_protocol(Path(data["subject"]["model"]).parent)
    task = whole["task"][0]
    task["splits"] = {"train": 20, "select": 20, "verdict": 20}
    data["task"].append(task)
    data["trainability"] = whole["trainability"] | {"rates": RATES}


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """A finished study; no test may change it."""
    study = begin(tmp_path_factory.mktemp("rates"), with_search)
    finish(study)
    return study


def grid_of(study: Study) -> Grid:
    rates = RateSearches(study)
    rates.advance(StoreView(study.store))
    return rates.grids["sums"]


def test_each_rate_is_tried_at_three_seeds_by_both(done: Study) -> None:
    trials = [cell for cell in done.read_cells() if cell.purpose == "trial"]
    asked = grid_of(done).rates
    assert len(trials) == len(asked) * learning_rate_grid.SEARCH_SEEDS * 2
    assert {cell.seed.purpose for cell in trials} == {"search"}
    assert {cell.index for cell in trials} == {0, 1, 2}
    assert {judge.probe for cell in trials for judge in done.frozen.judges_of(cell)} == {"select:sums"}


def test_a_trial_goes_on_where_the_target_is_reached_since_its_end_counts(done: Study) -> None:
    trials = [cell for cell in done.read_cells() if cell.purpose == "trial"]
    for cell in trials:
        (judge,) = done.frozen.judges_of(cell)
        assert all(done.store.scores(judge.key, dose).exists() for dose in cell.doses)
    assert trials


def test_the_verdict_is_read_at_the_best_rate_of_each_and_at_that_of_m(done: Study) -> None:
    grid = grid_of(done)
    assert grid.settled
    plan_of = done.protocol.trainability
    assert plan_of is not None
    read = {
        role: {cell.attack for cell in done.read_cells() if cell.purpose == "trainability" and cell.subject == role}
        for role in ("undefended", "defended")
    }
    assert read["undefended"] == {plan_of.at(grid.best["undefended"]).label}
    assert read["defended"] == {plan_of.at(grid.best["defended"]).label, plan_of.at(grid.best["undefended"]).label}


def test_search_and_verdict_share_neither_seed_nor_items(done: Study) -> None:
    cells = done.read_cells()
    seeds = {purpose: {cell.seed for cell in cells if cell.purpose == purpose} for purpose in ("trial", "trainability")}
    assert not seeds["trial"] & seeds["trainability"]
    ids = done.frozen.item_ids
    assert not set(ids[ProbeId("select:sums")]) & set(ids[ProbeId("task:sums")])


def test_nothing_of_the_verdict_is_trained_before_the_search_is_settled(tmp_path: Path) -> None:
    study = begin(tmp_path, with_search)
    asked = plan(study).cells
    assert [cell for cell in asked if cell.purpose == "trial"]
    assert not [cell for cell in asked if cell.purpose == "trainability"]
