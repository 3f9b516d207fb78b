"""How long a report of a large study takes to write and to open, and how large its page is.

    python benchmarks/report_speed.py [CELLS]

The study is made up: attacks by domains by seeds on two subjects, until there are so many cells (2,000). Times are
seconds of the processor, user and system, of this process and of the browser: what else the machine does is not in
them, and an idle machine takes as long, or less where it has several cores.
"""

from __future__ import annotations

import resource
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from support.report_assays import ROOT, large_assay

from titer.analysis.verdict import decide
from titer.report.charts import charts
from titer.report.formats import DEFAULT, Rendering


def main(cells: int = 2_000) -> None:
    """Write every default format once, and open the page where there is a Chromium."""
    assay = large_assay(cells)
    begun = processor()
    with timed(f"{len(assay.curves)} cells decided"):
        verdict = decide(assay)
    with tempfile.TemporaryDirectory() as folder:
        with timed("charts"):
            drawn = charts(assay, verdict, Path(folder))
        rendering = Rendering(verdict, assay, ROOT, drawn)
        for wanted in DEFAULT:
            with timed(wanted):
                files = rendering.files(wanted, "en")
            for name, content in files.items():
                print(f"    {name}: {len(content) / 1e6:.2f} MB")
                (Path(folder) / name).write_bytes(content)
        print(f"all together: {processor() - begun:.1f} s")
        open_page(Path(folder) / "report.html")


def processor() -> float:
    """The seconds of the processor that this process has used so far."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


@contextmanager
def timed(what: str) -> Iterator[None]:
    """Say how long a step took."""
    begun = processor()
    yield
    print(f"{what}: {processor() - begun:.1f} s", flush=True)


def open_page(path: Path) -> None:
    """Say how long the browser works on the page until its first charts are drawn."""
    from support.browser import chromium
    from support.open_page import OpenPage

    with chromium() as browser:
        page = OpenPage(browser, path, 1280, "light")
        told = page.tab.context.new_cdp_session(page.tab)
        told.send("Performance.enable")
        metrics = {one["name"]: one["value"] for one in told.send("Performance.getMetrics")["metrics"]}
        print(f"page opened: {metrics['ProcessTime']:.1f} s; complaints: {page.complaints}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
