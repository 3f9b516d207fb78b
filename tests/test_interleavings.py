"""Two commands at one moment on one study or store lose nothing: `benchmarks/interleavings.py`, of which a few."""

from __future__ import annotations

import subprocess
import sys

import pytest
from support import ROOT
from support.command import ENVIRONMENT

pytestmark = [pytest.mark.model, pytest.mark.slow]


@pytest.mark.timeout(1200)
def test_nothing_is_lost_where_two_commands_meet() -> None:
    """In a process of its own, which has trained nothing and has no threads: each command is a fork of it."""
    ran = subprocess.run(
        [sys.executable, "-m", "benchmarks.interleavings", "--each", "2"],
        cwd=ROOT,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    rows = [line.split()[-4:] for line in ran.stdout.splitlines()[1:5]]
    assert [(row[0], row[3]) for row in rows] == [("2", "2")] * 4
