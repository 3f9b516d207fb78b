"""How long a report of a large study takes to write and to open, and how large its page is.

    python benchmarks/report_speed.py [CELLS]

The study is made up: attacks by domains by seeds on two subjects, until there are so many cells (2,000).
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from support.report_assays import ROOT, large_assay

from titer.analysis.verdict import decide
from titer.report.charts import charts
from titer.report.formats import DEFAULT, Rendering


def main(cells: int = 2_000) -> None:
    """Write every default format once, and open the page where there is a Chromium."""
    assay = large_assay(cells)
    start = time.perf_counter()
    verdict = decide(assay)
    print(f"{len(assay.curves)} cells, decided in {time.perf_counter() - start:.1f} s")
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        drawn = charts(assay, verdict, Path(folder))
        print(f"charts: {time.perf_counter() - start:.1f} s")
        rendering = Rendering(verdict, assay, ROOT, drawn)
        for wanted in DEFAULT:
            start = time.perf_counter()
            files = rendering.files(wanted, "en")
            sizes = ", ".join(f"{name} {len(content) / 1e6:.2f} MB" for name, content in files.items())
            print(f"{wanted}: {time.perf_counter() - start:.1f} s, {sizes}")
            for name, content in files.items():
                (Path(folder) / name).write_bytes(content)
        open_page(Path(folder) / "report.html")


def open_page(path: Path) -> None:
    """Say how long the page takes until its first charts are drawn."""
    from support.browser import chromium
    from support.open_page import OpenPage

    with chromium() as browser:
        start = time.perf_counter()
        page = OpenPage(browser, path, 1280, "light")
        print(f"opened in {time.perf_counter() - start:.1f} s; complaints: {page.complaints}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
