"""What is said while a command goes on."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.studies import begin, search

from titer.cli.progress import Watch, follow
from titer.planning.cost.estimate import Outlook
from titer.planning.plan import Plan, plan
from titer.run import Progress


def test_time_is_told_where_it_is_known(capsys: pytest.CaptureFixture[str]) -> None:
    watch = Watch("planning")
    watch.show()
    watch.say("3 cells to go", 250.0)
    watch.show()
    watch.say("2 cells to go", None)
    watch.show()
    lines = ["titer: planning", "titer: 3 cells to go, about 4 min left", "titer: 2 cells to go"]
    assert capsys.readouterr().err.splitlines() == lines


def test_before_anything_was_measured_a_run_tells_its_cells(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    study = begin(tmp_path)
    current = plan(study)
    follow(iter([Progress(current, None)]), Outlook(study, 1))
    assert capsys.readouterr().err.splitlines() == [
        f"titer: making the defended subject, refusal_sft, {current.unfinished} cells to go"
    ]


def test_a_run_with_searches_tells_the_least(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    study = begin(tmp_path, search)
    outlook = Outlook(study, 1)
    outlook.speed.add(outlook.left, 200.0)
    follow(iter([Progress(plan(study), None)]), outlook)
    assert capsys.readouterr().err.strip().endswith("at least 3 min left")


def test_a_make_alone_needs_no_outlook(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make = next(task for task in plan(begin(tmp_path)).tasks if task.kind == "make")
    follow(iter([Progress(Plan((make,), (), 1, ()), None), Progress(Plan((), (), 0, ()), make)]))
    assert capsys.readouterr().err == "titer: making the defended subject, refusal_sft\n"
