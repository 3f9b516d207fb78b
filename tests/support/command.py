"""titer as its users start it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

TITER = str(Path(sys.executable).with_name("titer"))
ENVIRONMENT = {**os.environ, "COLUMNS": "80", "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}


class Done(NamedTuple):
    """How a command ended, and what it said."""

    code: int
    out: str
    err: str


Here = Callable[..., Done]
"""A command in this process: what the fixture `here` gives."""


def titer(*arguments: object, cwd: Path | None = None) -> Done:
    """Run one command to its end, in a process of its own."""
    called = [TITER, *map(str, arguments)]
    done = subprocess.run(called, capture_output=True, text=True, timeout=240, check=False, cwd=cwd, env=ENVIRONMENT)
    return Done(done.returncode, done.stdout, done.stderr)


def start(*arguments: object) -> subprocess.Popen[str]:
    """Start one command and leave it running."""
    pipe = subprocess.PIPE
    return subprocess.Popen([TITER, *map(str, arguments)], stdout=pipe, stderr=pipe, text=True, env=ENVIRONMENT)
