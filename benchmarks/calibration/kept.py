"""Counts of long simulations, kept in a folder, so that a run that was cut short goes on where it ended.

What is kept is found again only if neither the configuration nor the number of studies nor any file that draws or
decides has changed since.
"""

from __future__ import annotations

import hashlib
import json
from functools import cache
from pathlib import Path

import numpy as np

import titer.stats
from benchmarks.calibration.configuration import Configuration
from benchmarks.calibration.verdicts import Calibrated, Simulated, calibrate
from titer.analysis import decision_rules

_HERE = Path(__file__).parent
_SIMULATING = (
    "crossed",
    "deciding",
    "deciding_tasks",
    "draws",
    "exposure_draws",
    "laws",
    "outcomes",
    "setting",
    "truths",
)


def calibrate_once(configuration: Configuration, studies: int, folder: Path | None) -> Calibrated:
    """Simulate a configuration, or take its counts from the folder."""
    if folder is None:
        return calibrate(configuration, studies)
    path = folder / f"{configuration.name}-{_digest(configuration, studies)}.json"
    if path.exists():
        counts = {part: np.array(of_part) for part, of_part in json.loads(path.read_text(encoding="utf-8")).items()}
        return Calibrated(configuration=configuration, counted=Simulated(studies=studies, decisions=counts))
    found = calibrate(configuration, studies)
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps({part: counts.tolist() for part, counts in found.counted.decisions.items()})
    path.write_text(text, encoding="utf-8")
    return found


def _digest(configuration: Configuration, studies: int) -> str:
    said = f"{configuration.truth!r} {studies} {_sources()}"
    return hashlib.sha256(said.encode()).hexdigest()[:16]


@cache
def _sources() -> str:
    """The digest of every file by which studies are drawn and decided."""
    rules = sorted(Path(titer.stats.__path__[0]).glob("*.py")), [Path(decision_rules.__file__)]
    files = [*(_HERE / f"{name}.py" for name in _SIMULATING), *rules[0], *rules[1]]
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()
