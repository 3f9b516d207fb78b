"""titer as its users start it, and studies written as TOML."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

TITER = str(Path(sys.executable).with_name("titer"))
ENVIRONMENT = {**os.environ, "COLUMNS": "80", "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}


def titer(*arguments: object, cwd: Path | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run one command to its end."""
    return subprocess.run(
        [TITER, *map(str, arguments)],
        capture_output=True, text=True, timeout=240, check=False, cwd=cwd, env={**ENVIRONMENT, **environment},
    )  # fmt: skip


def start(*arguments: object) -> subprocess.Popen[str]:
    """Start one command and leave it running."""
    pipe = subprocess.PIPE
    return subprocess.Popen([TITER, *map(str, arguments)], stdout=pipe, stderr=pipe, text=True, env=ENVIRONMENT)


def toml(data: Mapping[str, Any]) -> str:
    """Plain data as TOML: one key a line, everything below it inline."""
    return "".join(f"{key} = {_inline(value)}\n" for key, value in data.items())


def _inline(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{key} = {_inline(inner)}" for key, inner in value.items()) + " }"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_inline, value))}]"
    return json.dumps(value)
