"""A run that is ended by force and started again gives what an uninterrupted one gives, byte for byte.

Real processes: the run with its workers is one group, which is killed at moments told by the files that it writes.
"""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]
import pytest
from support.studies import RESULTS, begin, contents, finish, search

from titer.conclude import conclude
from titer.errors import BusyError
from titer.execution.checkpoints import PartialState
from titer.run import run
from titer.study.folder import Study

pytestmark = pytest.mark.model

RUN = """
import sys
from pathlib import Path
from titer.conclude import conclude
from titer.planning.freeze import open_study
from titer.run import run
study = open_study(Path(sys.argv[1]))
for progress in run(study, int(sys.argv[2])):
    pass
conclude(study)
"""
KILL_BEFORE_RENAME = """
import itertools, os, signal
real, count = os.replace, itertools.count(1)
def replace(source, target):
    if os.environ["KILL_AT"] in str(target) and next(count) == 3:
        os.killpg(0, signal.SIGKILL)
    real(source, target)
os.replace = replace
"""
"""A sitecustomize: every process of the run dies in place of the third renaming of a file below a folder."""
PATIENCE = 3_000.0
"""Seconds until a run is said to hang: a machine with much other work takes ten minutes for what else takes three."""


class Run:
    """A run of a study with its workers, in a process group of its own."""

    def __init__(self, study: Study, jobs: int, **environment: str) -> None:
        self.study = study
        self.process = subprocess.Popen(
            [sys.executable, "-c", RUN, str(study.folder), str(jobs)],
            start_new_session=True,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **environment},
        )

    def wait_until(self, due: Callable[[], bool]) -> None:
        """Wait for a moment; the run must not end before it."""
        end = time.monotonic() + PATIENCE
        while not due():
            assert self.process.poll() is None, f"the run ended too early: {self.end()}"
            if time.monotonic() > end:
                self.kill(signal.SIGKILL)
                raise TimeoutError("the moment never came")
            time.sleep(0.002)

    def kill(self, number: int) -> None:
        """Send a signal to the whole group, and wait until all of it is gone."""
        os.killpg(self.process.pid, number)
        self.end()

    def workers(self) -> list[psutil.Process]:
        """The workers: the children of the fork server, which is a child of the run."""
        return [worker for server in psutil.Process(self.process.pid).children() for worker in server.children()]

    def end(self) -> str:
        """Wait for the end; what was said on the way out."""
        with self.process:
            _, said = self.process.communicate(timeout=PATIENCE)
        return said

    def finish(self) -> None:
        """Let it come to its end."""
        said = self.end()
        assert self.process.returncode == 0, said


def written(study: Study, *folders: str) -> int:
    return sum(1 for folder in folders for _ in (study.store.root / folder).glob("*/[!.]*.jsonl"))


def grown(study: Study, by: int, *folders: str) -> Callable[[], bool]:
    """Whether so many files more than now were written below some folders of the store."""
    before = written(study, *folders)
    return lambda: written(study, *folders) >= before + by


def expect_same(study: Study, whole: Study) -> None:
    assert contents(study.store.root, *RESULTS) == contents(whole.store.root, *RESULTS)
    assert (study.folder / "verdict.json").read_bytes() == (whole.folder / "verdict.json").read_bytes()


def log(study: Study) -> list[dict[str, Any]]:
    return [json.loads(line) for line in study.store.runs.read_text().splitlines()]


def expect_nothing_twice(study: Study) -> None:
    """A task that was finished is never done again: what is lost is what was under way, one task a worker."""
    finished = Counter(entry["key"] for entry in log(study) if entry["task"] != "judge")
    assert max(finished.values()) == 1


def leftovers(study: Study) -> Iterator[Path]:
    for part in (*RESULTS, "data"):
        yield from (study.store.root / part).rglob(".*")


# ------------------------------------------------------------------------------------------------ a few, always
@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda data: None, id="fixed", marks=pytest.mark.slow),
        pytest.param(search, id="searched", marks=pytest.mark.long),
    ],
)
def test_a_run_that_is_ended_by_force_and_resumed_equals_an_uninterrupted_one(
    tmp_path: Path, change: Callable[[dict[str, Any]], None]
) -> None:
    whole = begin(tmp_path, change, name="whole")
    finish(whole)
    conclude(whole)
    study = begin(tmp_path, change)

    killed = Run(study, 2)
    killed.wait_until(grown(study, 3, "cells", "scores"))
    killed.kill(signal.SIGKILL)
    assert killed.process.returncode == -signal.SIGKILL

    bereft = Run(study, 1)
    bereft.wait_until(grown(study, 9, "cells", "scores"))
    bereft.workers()[0].kill()
    assert re.search(
        r"^titer: a worker died at \w+ \w+ \(.*SIGKILL.*\); it is tried again, 2 of 3$", bereft.end(), re.M
    )
    assert bereft.process.returncode == 0
    expect_same(study, whole)
    expect_nothing_twice(study)
    assert not list(leftovers(study))


def test_a_second_run_says_that_the_study_is_busy(tmp_path: Path) -> None:
    study = begin(tmp_path)
    with study.locked(), pytest.raises(BusyError, match="is being run by another process"):
        next(run(study))
    assert not study.store.runs.exists()


# ------------------------------------------------------------------------------------------------ many
STEPS = 60_000
"""Steps of a make that takes two minutes or more, so that it writes many partial states."""


def long_make(data: dict[str, Any]) -> None:
    data["study"]["seeds"] = {"attack": 8}
    data["defense"][0] |= {"train_steps": STEPS, "batch": 1, "lr": 1e-4}


def partial_written(study: Study) -> Callable[[], bool]:
    """Whether a partial state was written after now."""
    now = time.time_ns()
    return lambda: any(path.stat().st_mtime_ns > now for path in (study.store.root / "partial").glob("[!.]*"))


def partial_step(study: Study) -> int:
    (path,) = (study.store.root / "partial").glob("[!.]*")
    state = PartialState(path).read()
    assert state is not None
    return state.step


@pytest.mark.slow
@pytest.mark.timeout(12_000)
def test_twenty_interruptions_leave_no_curve(tmp_path: Path) -> None:
    chance = random.Random(1)
    whole = begin(tmp_path, long_make, name="whole")
    Run(whole, 1).finish()
    study = begin(tmp_path, long_make)

    steps = []
    for _ in range(5):  # in a make, after a partial state of its own
        one = Run(study, chance.choice((1, 2)))
        one.wait_until(partial_written(study))
        time.sleep(chance.uniform(0.1, 2))
        assert not list((study.store.root / "subjects").glob("[!.]*")), "the make is still under way"
        one.kill(chance.choice((signal.SIGKILL, signal.SIGINT, signal.SIGTERM)))
        steps.append(partial_step(study))
    assert steps == sorted(set(steps))

    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(KILL_BEFORE_RENAME)
    for folder in ("/cells/", "/scores/"):  # between write and rename
        one = Run(study, 2, PYTHONPATH=str(tmp_path / "site"), KILL_AT=folder)
        one.end()
        assert one.process.returncode == -signal.SIGKILL
        assert [path for path in leftovers(study) if folder in str(path)]

    for place in range(8):  # in expose
        one = Run(study, chance.choice((1, 2, 3)))
        one.wait_until(grown(study, chance.randint(1, 3), "cells"))
        time.sleep(chance.uniform(0, 0.1))
        one.kill((signal.SIGKILL, signal.SIGINT, signal.SIGTERM)[place % 3])

    Run(study, 2).finish()
    expect_same(study, whole)
    shutil.rmtree(study.store.root / "scores")
    for _ in range(5):  # in judge
        one = Run(study, chance.choice((1, 2)))
        one.wait_until(grown(study, chance.randint(1, 8), "scores"))
        one.kill(signal.SIGKILL)
    Run(study, 1).finish()

    expect_same(study, whole)
    assert not list(leftovers(study))
    expect_nothing_twice(study)
    (made,) = (entry for entry in log(study) if entry["task"] == "make")
    print(f"interrupted after the partial states of steps {steps}; went on at {made['resumed_at']} of {STEPS}")
    assert made["resumed_at"] >= steps[-1]
