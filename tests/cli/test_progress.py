"""What is said while a command goes on."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from support.studies import begin, search

from titer.cli.output import duration
from titer.cli.progress import Watch, follow
from titer.planning.cost.estimate import Outlook
from titer.planning.plan import Planner
from titer.run import Progress
from titer.study.tasks import MakeTask


def test_time_is_told_where_it_is_known(capsys: pytest.CaptureFixture[str]) -> None:
    watch = Watch("planning")
    watch.show()
    watch.say("3 cells to go", 250.0)
    watch.show()
    watch.say("2 cells to go", None)
    watch.show()
    lines = ["titer: planning", "titer: 3 cells to go, about 4 min left", "titer: 2 cells to go"]
    assert capsys.readouterr().err.splitlines() == lines


def test_a_line_that_would_be_written_again_says_how_long_it_has_been(capsys: pytest.CaptureFixture[str]) -> None:
    watch = Watch("writing the report")
    watch.begun -= 60 * 10
    watch.show()
    watch.show()
    assert capsys.readouterr().err.splitlines() == [
        "titer: writing the report",
        "titer: writing the report, 10 min so far",
    ]


def test_before_anything_was_measured_a_run_tells_its_cells(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    study = begin(tmp_path)
    planner = Planner(study)
    planner.take()
    follow(iter([Progress(planner, None)]), 1)
    assert capsys.readouterr().err.splitlines() == [
        f"titer: 0 of {len(planner.curves)} cells done, now making the defended subject, refusal_sft"
    ]


def test_a_run_tells_which_attack_is_under_way(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    planner = Planner(begin(tmp_path))
    while (task := planner.take()) is not None and task.kind != "expose":
        pass
    assert task is not None
    follow(iter([Progress(planner, None)]), 1)
    cell = task.cell
    where = f" in {cell.domain}" if cell.domain else ""
    said = f"now {cell.attack}{where}, {cell.subject} model, seed {cell.index}\n"
    assert capsys.readouterr().err.endswith(said)


def test_a_run_with_searches_counts_what_they_will_add(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    study = begin(tmp_path, search)
    planner = Planner(study)
    entry = {"task": "measure", "key": study.frozen.subject.key, "host": socket.gethostname(), "wall_seconds": 200.0}
    study.store.log_run(entry | {"work": Outlook(planner, 1).left._asdict()})
    follow(iter([Progress(planner, None)]), 1)
    outlook = Outlook(planner, 1)
    assert outlook.left_seconds is not None
    assert outlook.left_seconds > 300
    assert capsys.readouterr().err.strip().endswith(f"about {duration(outlook.left_seconds)} left")


def test_a_make_alone_needs_no_outlook(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    study = begin(tmp_path)
    make = next(task for task in Planner(study).plan().tasks if isinstance(task, MakeTask))
    planner = Planner(study, curves=(), makes=(make,))
    planner.take()
    follow(iter([Progress(planner, None)]))
    assert capsys.readouterr().err == "titer: making the defended subject, refusal_sft\n"
