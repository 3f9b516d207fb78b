"""From a finished study, or a packed one, to its verdict and report: assemble, check, conclude, render. No torch."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from titer.analysis import stopping
from titer.analysis.assemble import assemble, assemble_packed
from titer.analysis.findings import Assay, Verdict
from titer.analysis.verdict import decide
from titer.errors import InputError
from titer.records import canonical
from titer.study.atomic_files import write_text
from titer.study.folder import CELLS, SCORES, Study, is_packed, read_study
from titer.study.packing import write_tables
from titer.study.root import Root, check_root, read_root
from titer.study.view import StoreView


@dataclass(frozen=True, kw_only=True)
class Conclusion:
    """The verdict of a study with the assay it rests on, and the folder in which it was written."""

    verdict: Verdict
    assay: Assay
    folder: Path


def conclude(study: Study) -> Conclusion:
    """Conclude on a finished study; its verdict is also written to verdict.json.

    Raises:
        UnfinishedError: if something is still missing; says what.
        DamagedError: if a file is not what it was when the study was finished.
    """
    verify(study)
    return _conclude(assemble(study), study.folder)


def verify(study: Study) -> Root | None:
    """Compare all that a finished study rests on with the digests of its end; None where it has none.

    Raises:
        DamagedError: naming the first file that is not what it was.
    """
    root = read_root(study)
    if root is None or root.root is None:
        return None
    return check_root(study, stopping.read_cells(study, StoreView(study.store)))


def conclude_path(path: Path) -> Conclusion:
    """Conclude on what a path names: a study folder, a packed one, or one of its two tables.

    Raises:
        InputError: if it is none of them.
        UnfinishedError: if something is still missing; says what.
        DamagedError: if a file is not what was written.
    """
    is_table = path.suffix == ".parquet"
    if is_table and path.name not in (CELLS, SCORES):
        raise InputError(str(path), "this is no table of a packed study", f"Name {CELLS}, {SCORES} or their folder.")
    if not is_table and not is_packed(path):
        return conclude(read_study(path))
    folder = path.parent if is_table else path
    return _conclude(assemble_packed(folder), folder)


def report(conclusion: Conclusion) -> Path:
    """Write report.md, report.json and the charts beside the verdict; the path of report.md."""
    from titer.report.charts import charts
    from titer.report.json_report import report_data
    from titer.report.markdown import render

    verdict, assay, folder = conclusion.verdict, conclusion.assay, conclusion.folder
    files = charts(assay, verdict, folder)
    write_text(folder / "report.json", canonical(report_data(verdict, assay)) + "\n")
    path = folder / "report.md"
    write_text(path, render(verdict, assay, files))
    return path


def pack(study: Study, out: Path) -> None:
    """Pack a finished study into a folder: protocol, verdict, report, charts as SVG, and two tables without any text.

    Raises:
        InputError: if `out` is not empty.
        UnfinishedError: if something is still missing; says what.
    """
    if out.exists() and any(out.iterdir()):
        raise InputError(str(out), "the folder is not empty", "Choose another one.")
    view = StoreView(study.store)
    verify(study)
    wanted = [(cell, doses) for cell, doses, _ in stopping.read_cells(study, view)]
    report(_conclude(assemble(study), out))
    for image in out.glob("*.png"):
        image.unlink()
    shutil.copyfile(study.folder / "protocol.toml", out / "protocol.toml")
    write_tables(study, wanted, out)


def _conclude(assay: Assay, folder: Path) -> Conclusion:
    verdict = decide(assay)
    write_text(folder / "verdict.json", verdict.to_json() + "\n")
    return Conclusion(verdict=verdict, assay=assay, folder=folder)
