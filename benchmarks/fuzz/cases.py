"""Cases by their number, run one after the other in one process, and what is kept of each."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import TextIO

from benchmarks.fuzz import protocols, sources
from benchmarks.fuzz.outcome import Outcome, planned

KINDS = ("protocol", "source")


def write(kind: str, number: int, seed: int, inputs: Path, folder: Path) -> Path:
    """Write the files of a case into a folder; the path of its protocol.

    Args:
        kind: one of `KINDS`.
        number: of the case.
        seed: of the run.
        inputs: a folder with what all cases share; made where it is not there.
        folder: of the case, empty.
    """
    if kind == "source":
        return sources.bent(number, seed, inputs, folder)
    path = folder / "protocol.toml"
    path.write_bytes(protocols.bent(number, seed, inputs))
    return path


def run(cases: Iterable[tuple[str, int]], seed: int, folder: Path, limit: float, log: TextIO) -> None:
    """Run cases, each in an empty folder below `folder`; one line of JSON is logged before each, and one after it.

    The inputs of a case with a fault are kept, in `folder`/faults.

    Args:
        cases: their kinds and numbers.
        seed: of the run.
        folder: where the cases are written.
        limit: seconds for each.
        log: where the outcomes go.
    """
    inputs, here = folder / "inputs", folder / "work" / "case" / "here"
    for kind, number in cases:
        shutil.rmtree(folder / "work", ignore_errors=True)
        here.mkdir(parents=True)
        os.chdir(here)
        print(json.dumps({"kind": kind, "number": number}), file=log, flush=True)
        given = write(kind, number, seed, inputs, here)
        outcome = planned(given, here / "study", limit)
        print(json.dumps({"kind": kind, "number": number, **asdict(outcome)}), file=log, flush=True)
        if outcome.fault:
            keep(kind, number, outcome, here, folder)


def keep(kind: str, number: int, outcome: Outcome, given: Path, folder: Path) -> None:
    """Keep the inputs of a case, and how it ended."""
    kept = folder / "faults" / f"{kind}-{number}"
    shutil.rmtree(kept, ignore_errors=True)
    kept.mkdir(parents=True)
    for path in given.iterdir():
        if path.is_file() and not path.is_symlink():
            shutil.copyfile(path, kept / path.name)
    said = f"{outcome.fault}, exit code {outcome.code}, {outcome.seconds:.1f} s\n\n{outcome.message}"
    (kept / "said.txt").write_text(said, encoding="utf-8", errors="backslashreplace")
