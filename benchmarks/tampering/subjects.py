"""The study that is tampered with, finished, packed and unfinished, and the kinds of files that each rests on."""

from __future__ import annotations

import contextlib
import faulthandler
import io
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.faults.study import write_protocol
from titer.cli import command

VERDICTS = (0, 3, 4, 5)
"""The exit codes of a verdict."""
SECONDS = 240
"""A command that says nothing for so long hangs, and ends the bench."""
KINDS: Mapping[str, tuple[str, ...]] = {
    "study": (
        "protocol.toml",
        "frozen.json",
        "root.json",
        "salt",
        "tasks.jsonl",
        "standing.jsonl",
        "store/data/*.jsonl",
        "store/cells/*/*.jsonl",
        "store/scores/*/*.jsonl",
        "store/subjects/*/titer.json",
        "store/seals/*.jsonl",
        "seals.jsonl",
        "verdict.json",
    ),
    "pack": ("protocol.toml", "root.json", "SHA256SUMS", "cells.parquet", "scores.parquet", "verdict.json"),
}
"""The files of a finished study and of a packed one, by patterns; subjects are those that titer made."""


@dataclass(frozen=True)
class Said:
    """How a command ended, and all that it said."""

    code: int
    text: str


def say(*arguments: str) -> Said:
    """Run a command of titer in this process."""
    heard = io.StringIO()
    faulthandler.dump_traceback_later(SECONDS, exit=True)
    with contextlib.redirect_stdout(heard), contextlib.redirect_stderr(heard):
        code = command(list(arguments))
    faulthandler.cancel_dump_traceback_later()
    return Said(code, heard.getvalue())


def made(home: Path) -> dict[str, Path]:
    """A finished study with its report, and its pack."""
    study, pack = home / "study", home / "pack"
    protocol = write_protocol(home / "inputs")
    for arguments in (("run", protocol, "--out", study), ("report", study), ("pack", study, pack)):
        done = say(*map(str, arguments))
        assert done.code == 0, done.text
    return {"study": study, "pack": pack}


def copied(source: Path, to: Path) -> Path:
    """A copy to tamper with, in the place of the one before."""
    shutil.rmtree(to.parent, ignore_errors=True)
    return shutil.copytree(source, to, symlinks=True)
