"""One fault of some kinds of `python -m benchmarks.faults`: the study ends equal to the undisturbed one."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
from support import ROOT

from benchmarks.faults.faults import KINDS

pytestmark = [pytest.mark.model, pytest.mark.timeout(900)]


FEW = ("killed in make", "killed before a renaming", "worker killed", "stopped", "disk full", "allocation fails")


@pytest.mark.parametrize(
    "kinds",
    [
        pytest.param(FEW, marks=pytest.mark.long),
        pytest.param(tuple(kind.name for kind in KINDS), marks=pytest.mark.slow),
    ],
)
def test_a_study_survives_one_fault_of_each_kind(kinds: tuple[str, ...]) -> None:
    """In a process of its own, for it forks, and must have trained nothing before."""
    arguments = [sys.executable, "-m", "benchmarks.faults", "--share", "0.01", "--only", *kinds]
    done = subprocess.run(arguments, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    rows = re.findall(r"^(\w[\w ]+\w) +1 +1 +1  (\S.*)$", done.stdout, flags=re.MULTILINE)
    codes = dict(rows)
    assert codes.keys() == set(kinds), done.stdout
    assert {codes[kind] for kind in kinds if kind.startswith("killed")} == {"-9: 1"}
    assert codes["disk full"] == "1: 1"
