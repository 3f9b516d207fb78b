"""Cases by their number, run one after the other in one process, and what is kept of each."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, TextIO

from benchmarks.fuzz import model_files, protocols, sources
from benchmarks.fuzz.outcome import Outcome, planned

FILES: Final = {"source": sources.bent, "model": model_files.bent}
"""Cases in which a file is bent that a protocol names: rows, or one of a model."""


@dataclass(frozen=True, kw_only=True)
class Run:
    """What the cases of a run have in common.

    Attributes:
        seed: equal seeds and numbers give equal cases.
        folder: where cases are written, and the inputs that they share.
        limit: seconds for each.
        light: whether only small studies are bent, whose plan takes no second.
    """

    seed: int
    folder: Path
    limit: float
    light: bool = False


def write(kind: str, number: int, run: Run, folder: Path) -> Path:
    """Write the files of a case into a folder; the path of its protocol.

    Args:
        kind: `protocol`, or one of `FILES`.
        number: of the case.
        run: what it has in common with others.
        folder: of the case, empty.
    """
    inputs = run.folder / "inputs"
    if kind in FILES:
        return FILES[kind](number, run.seed, inputs, folder)
    path = folder / "protocol.toml"
    path.write_bytes(protocols.bent(number, run.seed, inputs, light=run.light))
    return path


def run(cases: Iterable[tuple[str, int]], run: Run, log: TextIO) -> None:
    """Run cases, each in an empty folder; one line of JSON is logged before each, and one after it.

    The inputs of a case with a fault are kept, in `faults` of the folder of the run.

    Args:
        cases: their kinds and numbers.
        run: what they have in common.
        log: where the outcomes go.
    """
    work = run.folder / f"work-{os.getpid()}"
    here = work / "case" / "here"
    for kind, number in cases:
        shutil.rmtree(work, ignore_errors=True)
        here.mkdir(parents=True)
        os.chdir(here)
        print(json.dumps({"kind": kind, "number": number}), file=log, flush=True)
        outcome = planned(write(kind, number, run, here), here / "study", run.limit)
        print(json.dumps({"kind": kind, "number": number, **asdict(outcome)}), file=log, flush=True)
        if outcome.fault:
            keep(kind, number, outcome, here, run.folder)


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
