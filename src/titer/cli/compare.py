"""`compare`: studies side by side, as a table, as JSON, and as files with a chart."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from titer.analysis.concluding import conclude_path
from titer.cli import output
from titer.cli.progress import Watch
from titer.errors import InputError
from titer.report.charts import write_chart
from titer.report.comparison.chart import comparison_chart
from titer.report.comparison.rows import ComparedStudy, Comparison, compare
from titer.report.comparison.texts import EXPLAINED, cells, explained, markdown_table
from titer.study.atomic_files import write_text


def compare_studies(paths: Sequence[Path], out: Path | None, json: bool) -> None:
    """Compare finished studies, and print what each says.

    Args:
        paths: study folders, packed ones, or their tables.
        out: the folder for compare.md, compare.json and the chart; None for none.
        json: whether one JSON document is printed.

    Raises:
        InputError: if there is one study only, or they may not be compared.
        UnfinishedError: if one is not finished.
    """
    if len(paths) < 2:
        raise InputError("STUDIES", "one study alone is compared with nothing", "Name two or more.")
    if out is not None:
        output.check_folder(out)
    found = compare([_read(path) for path in paths])
    if out is not None:
        _write(found, out)
    if json:
        output.print_json(found.to_data())
        return
    for row in found.shown:
        said = {name: text for name, text in cells(row).items() if text != "–" and name not in ("study", "subject")}
        output.print_facts(f"{row.study}, {row.subject}", said)
    for note in (*found.notes, *EXPLAINED):
        output.print_text(note)
    if out is not None:
        output.say(f"Comparison: {out / 'compare.md'}")


def _read(path: Path) -> ComparedStudy:
    with Watch(f"reading {path}"):
        found = conclude_path(path)
    return ComparedStudy(name=str(path), verdict=found.verdict, protocol=found.assay.protocol, assay=found.assay)


def _write(found: Comparison, out: Path) -> None:
    """The table as Markdown and JSON, and the chart as SVG and PNG, where there is one."""
    chart = comparison_chart(found)
    image = "" if chart is None else "![The dose at which each subject breaks](compare.svg)\n\n"
    write_text(out / "compare.md", f"# Comparison\n\n{image}{markdown_table(found)}\n\n{explained()}\n")
    write_text(out / "compare.json", found.to_json() + "\n")
    if chart is not None:
        write_chart(chart, out, "compare")
