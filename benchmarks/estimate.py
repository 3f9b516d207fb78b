"""Seconds that are foreseen for a study against those that it takes: after a short measurement, then as it goes on.

python benchmarks/estimate.py --protocol examples/ci.toml --jobs 2
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

from titer.cli.run import begin
from titer.execution.timing import measure_speed
from titer.planning.cost.estimate import Outlook
from titer.run import run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--protocol", type=Path, default=Path("examples/ci.toml"))
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        study = begin(options.protocol, Path(folder))
        measure_speed(study)
        steps = run(study, options.jobs)
        outlook = Outlook(next(steps).planner, options.jobs)
        tasks, start = len(outlook.waiting), time.monotonic()
        foreseen: list[tuple[int, float | None, float]] = [(tasks, outlook.left_seconds, start)]
        for step in steps:
            outlook.update(step.finished)
            foreseen.append((len(outlook.waiting), outlook.left_seconds, time.monotonic()))
    end = foreseen[-1][2]
    print("tasks done   foreseen   took   ratio")
    for waiting, seconds, at in foreseen[:-1]:
        told = "-" if seconds is None else f"{seconds:8.1f} {end - at:6.1f} {seconds / (end - at):7.2f}"
        print(f"{tasks - waiting:4} of {tasks:3} {told}")


if __name__ == "__main__":
    main()
