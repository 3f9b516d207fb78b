"""Seconds from a log that is made up: what a fit recovers, and what counts as measured here."""

from __future__ import annotations

import json
import random
import socket
from pathlib import Path
from typing import Any

import pytest

from titer.planning.cost.model import Work
from titer.planning.cost.speed import RunLog, Speed

A_TASK, IN_BATCHES, IN_DECODING = 0.5, 2e-11, 9e-11


def drawn(chance: random.Random) -> Work:
    batches, decoding = chance.uniform(1e10, 1e12), chance.uniform(1e9, 5e10)
    return Work(tasks=1, in_batches=batches, in_decoding=decoding)


def true_seconds(work: Work) -> float:
    return A_TASK * work.tasks + IN_BATCHES * work.in_batches + IN_DECODING * work.in_decoding


def test_nothing_is_known_before_something_was_measured() -> None:
    speed = Speed()
    assert speed.seconds(Work(tasks=1, in_batches=1e12)) is None
    speed.add(Work(tasks=1), 0.2)
    assert speed.seconds(Work(tasks=1, in_batches=1e12)) is None, "a copied subject tells nothing of operations"


def test_one_task_gives_one_rate_for_all_operations() -> None:
    speed = Speed()
    speed.add(Work(tasks=1, in_batches=1e12), 20.0)
    assert speed.seconds(Work(tasks=1, in_batches=2e12)) == pytest.approx(40.0, rel=0.1)
    assert speed.seconds(Work(tasks=1, in_decoding=2e12)) == pytest.approx(40.0, rel=0.1)


def test_the_seconds_of_each_kind_of_work_are_told_apart() -> None:
    speed, chance = Speed(), random.Random(1)
    for _ in range(60):
        work = drawn(chance)
        speed.add(work, true_seconds(work))
    for work in (Work(in_batches=1e12), Work(in_decoding=1e12), Work(tasks=100, in_batches=1e12)):
        assert speed.seconds(work) == pytest.approx(true_seconds(work), rel=0.05)


def test_three_short_measurements_are_enough() -> None:
    """What `titer plan --measure` writes: a subject opened, a batch of answers, a few steps."""
    speed = Speed()
    for work in (Work(tasks=1), Work(in_batches=1e9, in_decoding=2e9), Work(in_batches=4e9)):
        speed.add(work, true_seconds(work))
    study = Work(tasks=20, in_batches=3e12, in_decoding=5e11)
    assert speed.seconds(study) == pytest.approx(true_seconds(study), rel=0.3)


@pytest.mark.parametrize("seed", range(20))
def test_noise_does_not_mislead(seed: int) -> None:
    """Tasks that take between half and twice their time: the sum of others is met within a third."""
    speed, chance = Speed(), random.Random(seed)
    for _ in range(20):
        work = drawn(chance)
        speed.add(work, true_seconds(work) * 2 ** chance.uniform(-1, 1))
    rest = [drawn(chance) for _ in range(20)]
    whole = Work()
    for work in rest:
        whole = whole.plus(work)
    assert speed.seconds(whole) == pytest.approx(sum(map(true_seconds, rest)), rel=1 / 3)


def test_the_last_tasks_count_and_no_kind_of_work_gives_time_back() -> None:
    speed = Speed()
    for seconds in [1.0] * 300 + [10.0] * 300:
        speed.add(Work(tasks=1, in_batches=1e12), seconds)
    assert speed.seconds(Work(tasks=1, in_batches=1e12)) == pytest.approx(10.0, rel=0.01)
    speed.add(Work(tasks=1, in_batches=1e12, in_decoding=1e12), 1e-9)
    less, more = speed.seconds(Work(in_batches=1e12)), speed.seconds(Work(in_batches=1e12, in_decoding=1e12))
    assert less is not None
    assert more is not None
    assert more >= less


# ------------------------------------------------------------------------------------------------ the log
def line(key: str, **changes: Any) -> str:
    entry = {"key": key, "host": socket.gethostname(), "wall_seconds": 1.5, "peak_bytes": 7, "task": "make"}
    return json.dumps(entry | changes) + "\n"


def test_each_line_is_read_once_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "runs.jsonl"
    log = RunLog(path)
    assert log.new() == []
    path.write_text(line("a") + line("b")[:20])
    assert [one.key for one in log.new()] == ["a"]
    path.write_text(line("a") + line("b") + line("c"))
    assert [one.key for one in log.new()] == ["b", "c"]
    assert log.new() == []


def test_lines_of_other_machines_and_damaged_ones_tell_nothing(tmp_path: Path) -> None:
    path = tmp_path / "runs.jsonl"
    path.write_bytes(
        line("far", host="elsewhere").encode() + b'{"key":"torn"\n\xff\xfe\n[]\n' + line("new", wall_seconds=2).encode()
    )
    assert [(one.key, one.wall_seconds) for one in RunLog(path).new()] == [("new", 2.0)]


def test_the_work_of_a_measurement_is_read_back(tmp_path: Path) -> None:
    path, work = tmp_path / "runs.jsonl", Work(tasks=1, tokens=2.5, in_batches=1e12)
    path.write_text(line("subject", work=work._asdict()))
    (one,) = RunLog(path).new()
    assert one.work == work
