"""The exit code says how a command ended, and a crash never reads as a verdict."""

from __future__ import annotations

import fcntl
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import pytest
from support.command import ENVIRONMENT, Here, start

import titer.analysis.concluding
import titer.cli.run
from titer.cli.output import EXIT
from titer.records import Outcome

PATIENCE_SECONDS = 120.0


def cells(study: Path) -> list[Path]:
    return list(study.glob("store/cells/*/*.jsonl"))


def wait_for_cells(study: Path, running: subprocess.Popen[str]) -> None:
    """Wait until the workers of a run have read a dose and are busy with others."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not cells(study):
        assert running.poll() is None, running.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.05)


def wait_for_end(processes: list[psutil.Process]) -> None:
    _, alive = psutil.wait_procs(processes, timeout=PATIENCE_SECONDS)
    assert not alive


def assert_interrupted(running: subprocess.Popen[str], number: signal.Signals) -> None:
    running.send_signal(number)
    out, err = running.communicate(timeout=PATIENCE_SECONDS)
    assert running.returncode == 130
    assert out == "" or out.startswith("Registered as ")
    assert out.count("\n") <= 1
    assert "titer: interrupted; what was finished is kept" in err
    assert "Traceback" not in err


def test_only_verdict_and_the_gate_exit_with_the_verdict(
    finished: Path, here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = titer.analysis.concluding.conclude_path(finished)
    monkeypatch.setattr(titer.cli.run, "report", lambda conclusion: [conclusion.folder / "report.html"])
    codes: dict[Outcome, int] = {"upheld": 0, "refuted": 3, "undecided": 4, "void": 5}
    assert codes == EXIT
    for outcome, code in codes.items():
        conclusion = replace(found, verdict=found.verdict.model_copy(update={"outcome": outcome}))
        for module, name in ((titer.analysis.concluding, "conclude_path"), (titer.cli.run, "conclude")):
            monkeypatch.setattr(module, name, lambda what, conclusion=conclusion: conclusion)
        assert here("verdict", finished).code == code
        assert here("run", finished, "--gate").code == code
        assert here("run", finished).code == 0


def test_a_real_gate_exits_with_a_real_verdict(finished_once: Path, here: Here) -> None:
    assert here("run", finished_once, "--gate").code == 3


def test_a_crash_is_no_verdict(finished_once: Path) -> None:
    crash = (
        "import sys, titer.analysis.concluding, titer.cli\n"
        "titer.analysis.concluding.conclude_path = lambda path: 1 / 0\n"
        f"sys.argv = ['titer', 'verdict', {str(finished_once)!r}]\n"
        "titer.cli.main()"
    )
    done = subprocess.run([sys.executable, "-c", crash], capture_output=True, text=True, check=False, env=ENVIRONMENT)
    assert done.returncode == 1
    assert "ZeroDivisionError" in done.stderr


def test_an_unfinished_study_has_no_verdict(tiny_file: Path, tmp_path: Path, here: Here) -> None:
    study = tmp_path / "s"
    assert here("plan", tiny_file, "--out", study).code == 0
    for name in ("verdict", "report", "judge"):
        more = ("--judge", "refusal_removal") if name == "judge" else ()
        done = here(name, study, *more)
        assert (done.code, done.out) == (2, "")
        assert f"`titer run {study}`" in done.err


def test_a_study_that_lacks_one_dose_has_no_verdict(finished: Path, here: Here) -> None:
    next(finished.glob("store/cells/*/4.jsonl")).unlink()
    done = here("verdict", finished)
    assert (done.code, done.out) == (1, "")
    assert "/4.jsonl is missing" in done.err
    assert f"`titer run {finished}`" in done.err


def test_a_busy_study_is_left_alone(finished_once: Path, here: Here) -> None:
    with (finished_once / ".lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for done in (here("run", finished_once), here("judge", finished_once, "--judge", "refusal_removal")):
            assert done.code == 1
            assert "is being run by another process" in done.err


@pytest.mark.parametrize(
    "arguments",
    [["run"], ["nonsense"], ["run", "x", "--jobs", "0"], ["run", "x", "--nonsense"], ["list", "cells"], ["judge", "x"]],
)
def test_wrong_usage(arguments: list[str], here: Here) -> None:
    done = here(*arguments)
    assert (done.code, done.out) == (2, "")
    assert "Usage: titer" in done.err


def test_a_reader_that_goes_away_gets_no_traceback() -> None:
    with start("list", "judges") as running:
        assert running.stdout is not None
        assert running.stderr is not None
        running.stdout.close()
        assert running.wait(PATIENCE_SECONDS) == 1
        assert running.stderr.read() == ""


@pytest.mark.parametrize(
    "number",
    [
        pytest.param(signal.SIGINT, marks=pytest.mark.long),
        pytest.param(signal.SIGTERM, marks=pytest.mark.slow),
    ],
)
def test_an_interrupted_run_goes_on_from_there(
    number: signal.Signals, tiny_file: Path, finished_once: Path, tmp_path: Path, here: Here
) -> None:
    study = tmp_path / "s"
    running = start("run", tiny_file, "--out", study, "--jobs", 2)
    wait_for_cells(study, running)
    workers = psutil.Process(running.pid).children(recursive=True)
    assert_interrupted(running, number)
    wait_for_end(workers)
    assert here("verdict", study).code == 2
    kept = {path: path.read_bytes() for path in cells(study)}
    assert here("run", study, "--jobs", 2).code == 0
    assert all(path.read_bytes() == content for path, content in kept.items())
    assert (study / "verdict.json").read_bytes() == (finished_once / "verdict.json").read_bytes()


def test_a_command_can_be_ended_before_it_works(tiny_file: Path, tmp_path: Path) -> None:
    running = start("plan", tiny_file, "--out", tmp_path / "s")
    while not (tmp_path / "s" / "protocol.toml").exists():
        assert running.poll() is None, running.communicate()
        time.sleep(0.005)
    assert_interrupted(running, signal.SIGTERM)


@pytest.mark.slow
def test_a_killed_worker_is_replaced(tiny_file: Path, finished_once: Path, tmp_path: Path) -> None:
    study = tmp_path / "s"
    running = start("run", tiny_file, "--out", study)
    wait_for_cells(study, running)
    children = psutil.Process(running.pid).children(recursive=True)
    worker = next(child for child in children if child.ppid() != running.pid)
    worker.kill()
    _, err = running.communicate(timeout=PATIENCE_SECONDS)
    assert running.returncode == 0
    assert "it is tried again, 2 of 3" in err
    assert "Traceback" not in err
    assert (study / "verdict.json").read_bytes() == (finished_once / "verdict.json").read_bytes()
    wait_for_end(children)
