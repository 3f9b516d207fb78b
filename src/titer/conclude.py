"""The verdict, report and pack of a finished study, written. No torch."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from titer.analysis.concluding import VERDICT, Conclusion, cells_of
from titer.analysis.concluding import conclude as concluded
from titer.errors import DamagedError, InputError
from titer.records import canonical
from titer.study.atomic_files import copy_file, no_link, write_text
from titer.study.checksums import write_sums
from titer.study.folder import PROTOCOL, Study
from titer.study.packing import write_tables
from titer.study.root import ROOT
from titer.study.salt import read_salt
from titer.study.sealing import check_tables
from titer.study.signature import SIGNATURE, check_armor

REPORT, DATA = "report.md", "report.json"


def conclude(study: Study) -> Conclusion:
    """Conclude on a finished study, and write its verdict.

    Raises:
        UnfinishedError: if something is still missing; says what.
        DamagedError: if a file is not what it was when the study was finished.
    """
    found = concluded(study)
    keep_verdict(found, study.folder)
    return found


def keep_verdict(conclusion: Conclusion, folder: Path) -> bool:
    """Write verdict.json into a folder; False where that cannot be written, as on a read-only medium."""
    if folder.exists() and not os.access(folder, os.W_OK):
        return False
    write_text(folder / VERDICT, conclusion.verdict.to_json() + "\n")
    return True


def report(conclusion: Conclusion) -> Path:
    """Write report.md, report.json and the charts beside the verdict; the path of report.md."""
    from titer.report.charts import charts

    files = charts(conclusion.assay, conclusion.verdict, conclusion.folder)
    for name, text in _rendered(conclusion, files).items():
        write_text(conclusion.folder / name, text)
    return conclusion.folder / REPORT


def check_report(conclusion: Conclusion) -> None:
    """Compare a report that was written before with the one that is written now; its charts are not drawn again.

    Raises:
        DamagedError: if it says something else.
    """
    from titer.report.charts import CHARTS

    folder = conclusion.folder
    conclusion = _as_named(conclusion, folder / DATA)
    drawn = {name: f"{name}.svg" for name in CHARTS if (folder / f"{name}.svg").exists()}
    for name, text in _rendered(conclusion, drawn).items():
        path = folder / name
        if path.exists() and path.read_bytes() != text.encode():
            problem = f"{path} is not what is reported of the scores: it was changed, or another titer wrote it"
            raise DamagedError(f"{problem}. `titer report {folder}` writes it anew")


def _as_named(conclusion: Conclusion, path: Path) -> Conclusion:
    """A conclusion under the name that the study had when its report was written; the name alone may change."""
    try:
        name = str(json.loads(path.read_bytes())["verdict"]["study"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return conclusion
    protocol = conclusion.assay.protocol
    named = protocol.model_copy(update={"study": protocol.study.model_copy(update={"name": name})})
    verdict = conclusion.verdict.model_copy(update={"study": name})
    return replace(conclusion, verdict=verdict, assay=conclusion.assay.model_copy(update={"protocol": named}))


def _rendered(conclusion: Conclusion, charts: Mapping[str, str]) -> dict[str, str]:
    """The text of report.json and report.md.

    Args:
        conclusion: what was concluded.
        charts: the file of each chart, by its name.
    """
    from titer.report.json_report import report_data
    from titer.report.markdown import render

    verdict, assay, root = conclusion.verdict, conclusion.assay, conclusion.root
    return {DATA: canonical(report_data(verdict, assay, root)) + "\n", REPORT: render(verdict, assay, root, charts)}


def pack(study: Study, out: Path) -> None:
    """Pack a finished study into a folder: protocol, verdict, report, charts as SVG, and two tables without any text.

    Its root digest and its signature go with it, and its salt stays.

    Raises:
        InputError: if `out` is not empty.
        UnfinishedError: if something is still missing; says what.
    """
    if out.exists() and any(out.iterdir()):
        raise InputError(str(out), "the folder is not empty", "Choose another one.")
    found = replace(concluded(study), folder=out)
    check_tables(study, cells_of(study))
    check_armor(study.folder)
    keep_verdict(found, out)
    report(found)
    for image in out.glob("*.png"):
        image.unlink()
    for name in (PROTOCOL, ROOT, SIGNATURE):
        if no_link(study.folder / name, study.folder).exists():
            copy_file(study.folder / name, out / name)
    write_tables(study, tuple(cells_of(study)), read_salt(study.folder, found.root.salt), out)
    write_sums(out)
