"""One fault of each kind of `python -m benchmarks.faults`: the study ends equal to the undisturbed one."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
from support import ROOT

pytestmark = [pytest.mark.model, pytest.mark.timeout(900)]


def test_a_study_survives_one_fault_of_each_kind() -> None:
    """In a process of its own, for it forks, and must have trained nothing before."""
    arguments = [sys.executable, "-m", "benchmarks.faults", "--share", "0.01"]
    done = subprocess.run(arguments, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    rows = re.findall(r"^(\w[\w ]+\w) +1 +1 +1  (\S.*)$", done.stdout, flags=re.MULTILINE)
    assert len(rows) == 10, done.stdout
    codes = dict(rows)
    assert {codes[kind] for kind in codes if kind.startswith("killed")} == {"-9: 1"}
    assert codes["disk full"] == "1: 1"
