"""What is expected of a study against what it was, and the arithmetic of what is left."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from studies import begin, finish

from titer.estimate import Estimate, Outlook, Rates, estimate
from titer.plan import plan
from titer.run import work
from titer.study import Study
from titer.tasks import ExposeTask


@pytest.fixture(scope="module")
def new(tmp_path_factory: pytest.TempPathFactory) -> Study:
    return begin(tmp_path_factory.mktemp("new"))


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Study:
    study = begin(tmp_path_factory.mktemp("done"))
    finish(study)
    return study


def logged(study: Study) -> list[dict[str, Any]]:
    return [json.loads(line) for line in study.store.runs.read_text(encoding="utf-8").splitlines()]


def test_every_task_is_foreseen_and_no_other(new: Study, done: Study) -> None:
    """The shams too, which are planned only when M's doses are known."""
    assert Outlook(new, 1).tasks.keys() == {task["key"] for task in logged(done) if task["task"] != "judge"}


def test_disk_and_memory_are_within_a_factor_of_two(new: Study, done: Study) -> None:
    expected = estimate(new, 1)
    size = sum(path.stat().st_size for path in done.store.root.rglob("*") if path.is_file())
    assert 0.5 < expected.disk_bytes / size < 2
    worker = expected.memory_bytes - 2 * Rates().base_bytes
    peak = max(task["peak_bytes"] for task in logged(done))
    assert 0.3 < worker / peak < 2


def test_nothing_is_left_of_a_finished_study(done: Study) -> None:
    assert estimate(done, 2) == Estimate(cells=0, seconds=0.0, memory_bytes=0.0, disk_bytes=0.0)


def test_workers_share_the_work(new: Study) -> None:
    alone, two = estimate(new, 1), estimate(new, 2)
    assert alone.seconds / 2 < two.seconds < alone.seconds
    assert two.memory_bytes > alone.memory_bytes
    assert (two.cells, two.disk_bytes) == (alone.cells, alone.disk_bytes)


def test_a_slower_machine_takes_longer(new: Study) -> None:
    slow = replace(Rates(), flops=1e6, bandwidth=1e6)
    assert estimate(new, 1, slow).seconds > 10 * estimate(new, 1).seconds


def test_what_is_left_falls_to_nothing_and_is_counted_as_done(tmp_path: Path) -> None:
    study = begin(tmp_path)
    outlook = Outlook(study, 1)
    whole = outlook.left_seconds
    outlook.update(plan(study), None)
    assert outlook.left_seconds == pytest.approx(whole)
    left = []
    while tasks := plan(study).tasks:
        work(tasks[0], study.store)
        outlook.update(plan(study), tasks[0])
        left.append(outlook.left_seconds)
    assert left == sorted(left, reverse=True)
    assert left[-1] == 0
    assert outlook.done_seconds == pytest.approx(whole)


def test_a_subject_is_made_before_it_is_used(new: Study) -> None:
    """However many workers there are, M* costs its make and then one exposure."""
    outlook = Outlook(new, 1000)
    makes = [key for key, task in outlook.tasks.items() if task.kind == "make"]
    uses = [
        outlook.seconds[key]
        for key, task in outlook.tasks.items()
        if isinstance(task, ExposeTask) and task.subject.key in makes
    ]
    expected = sum(outlook.seconds[key] for key in makes) + max(uses) + Rates().begin_seconds
    assert outlook.left_seconds == pytest.approx(expected)
