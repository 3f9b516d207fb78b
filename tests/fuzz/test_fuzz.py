"""The first cases of `python -m benchmarks.fuzz`: each is taken, or refused with a place and a remedy."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support import ROOT

from benchmarks.fuzz.outcome import fault_of, planned

QUIET = {**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}


@pytest.mark.model
@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("protocols", "files"),
    [
        pytest.param(25, 5, marks=pytest.mark.long),
        *(pytest.param(*many, marks=pytest.mark.slow) for many in ((400, 0), (0, 60))),
    ],
)
def test_bent_input_is_taken_or_refused(protocols: int, files: int, tmp_path: Path) -> None:
    called = ["--protocols", protocols, "--files", files, "--light", "--folder", tmp_path]
    command = [sys.executable, "-m", "benchmarks.fuzz", *map(str, called)]
    done = subprocess.run(command, cwd=ROOT, env=QUIET, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "No faults." in done.stdout
    outcomes = (tmp_path / "outcomes.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(outcomes) == protocols + files
    assert sum('"code": 0' in line for line in outcomes) >= len(outcomes) // 50  # not all of it is refused at the door


FAULTS = {
    "exit 1": (1, "titer: a: b. C.\n"),
    "exit 3": (3, ""),
    "no place or remedy": (2, "titer: this cannot be used\n"),
    "control characters": (2, "titer: a: b \x1b[31m. C.\n"),
    "long message": (2, f"titer: a: {'b' * 2_000}. C.\n"),
    "": (2, "starting\ntiter: a.0.b: no such thing. Write another.\n"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_counts_as_a_fault(fault: str) -> None:
    assert fault_of(*FAULTS[fault]) == fault
    assert fault_of(0, "whatever") == ""


@pytest.mark.parametrize("busy", [True, False])
def test_a_plan_that_does_not_end_is_a_hang(busy: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def endless(arguments: list[str]) -> int:
        while True:
            if not busy:
                time.sleep(0.01)

    monkeypatch.setattr("benchmarks.fuzz.outcome.command", endless)
    monkeypatch.setattr("benchmarks.fuzz.outcome.WAITING", 4)
    outcome = planned(tmp_path / "p.toml", tmp_path / "study", limit=0.2)
    assert (outcome.fault, outcome.code) == ("hang", None)
