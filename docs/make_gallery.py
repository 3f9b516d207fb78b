"""Writes docs/results/README.md: every committed result beside those that it may be compared with.

python docs/make_gallery.py
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

from titer.analysis.findings import Verdict
from titer.protocol.loading import load
from titer.report.charts import STYLE
from titer.report.comparison.chart import comparison_chart
from titer.report.comparison.comparable import signature
from titer.report.comparison.rows import ComparedStudy, compare
from titer.report.comparison.texts import explained, markdown_table
from titer.study.atomic_files import write_file

RESULTS = Path(__file__).parent / "results"
HEAD = """# Results

Every committed result, made by `python docs/make_gallery.py` from their verdicts. Studies stand in one table where they
may be compared: the same threshold, confidence, budget, attacks, domains and judges. Each is a packed study, which
`titer verdict`, `titer report`, `titer verify` and `titer compare` read. What was learned is told in
[the log](../log.md), [attacks.md](attacks.md), [organism.md](organism.md), [smollm2.md](smollm2.md),
[topics.md](topics.md), [advbench.md](advbench.md) and [seed-finding.md](seed-finding.md).
"""


def read(folder: Path) -> ComparedStudy:
    """A committed result."""
    verdict = Verdict.from_json((folder / "verdict.json").read_text(encoding="utf-8"))
    name = folder.relative_to(RESULTS).as_posix()
    named = verdict.model_copy(update={"study": name})
    return ComparedStudy(name=name, verdict=named, protocol=load(folder / "protocol.toml"))


def groups() -> list[list[ComparedStudy]]:
    """The committed results, those together that may be compared."""
    found: dict[str, list[ComparedStudy]] = {}
    for path in sorted(RESULTS.rglob("verdict.json")):
        study = read(path.parent)
        found.setdefault(signature(study.protocol), []).append(study)
    return list(found.values())


def page() -> str:
    """The whole page."""
    parts = [HEAD, explained() + "\n"]
    for number, studies in enumerate(groups(), 1):
        compared = compare(studies)
        links = ", ".join(f"[{study.name}]({study.name}/verdict.json)" for study in studies)
        image = f"![The dose at which each subject breaks](../images/gallery-{number}.svg)"
        parts.append(f"## {links}\n\n{image}\n\n{markdown_table(compared)}\n")
    return "\n".join(parts)


if __name__ == "__main__":
    for number, studies in enumerate(groups(), 1):
        chart = comparison_chart(compare(studies))
        if chart is not None:
            save = partial(chart.configure(**STYLE).save, format="svg")
            write_file(RESULTS.parent / "images" / f"gallery-{number}.svg", save)
    (RESULTS / "README.md").write_text(page(), encoding="utf-8")
