"""Compute the calibration, write its page and charts: `python -m benchmarks.calibration` in the repository's folder."""

from __future__ import annotations

import argparse
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from benchmarks.calibration.page import render
from benchmarks.calibration.power_charts import charts
from benchmarks.calibration.study import STUDIES, compute

PAGE = Path("docs/calibration.md")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.calibration", description=__doc__)
    parser.add_argument("--studies", type=int, default=STUDIES, help="of each simulation")
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    parser.add_argument("--kept", type=Path, help="a folder of counts, from which a run that was cut short goes on")
    parser.add_argument("--out", type=Path, default=PAGE, help="the page of Markdown to write")
    options = parser.parse_args()
    if options.out == PAGE and options.studies < STUDIES:
        parser.error(f"{PAGE} needs {STUDIES} simulated studies; name another file with --out")
    begin = time.monotonic()
    with ProcessPoolExecutor(options.jobs, mp_context=get_context("forkserver")) as pool:
        found = compute(options.studies, pool, options.kept)
    command = "python -m benchmarks.calibration"
    if options.studies != STUDIES:
        command += f" --studies {options.studies} --out {options.out}"
    options.out.write_text(render(found, command), encoding="utf-8")
    images = options.out.parent / "images"
    images.mkdir(exist_ok=True)
    for name, chart in charts(found.powers.trainings).items():
        (images / name).write_text(chart.svg(), encoding="utf-8")
    print(f"{options.out}: {time.monotonic() - begin:.0f} s; beyond their limits: {found.failing or 'nothing'}")


if __name__ == "__main__":
    main()
