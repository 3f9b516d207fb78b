"""From a finished study to its verdict and report: assemble, check, conclude, render. No torch."""

from __future__ import annotations

from pathlib import Path

from titer.analysis.assemble import assemble
from titer.analysis.findings import Assay, Verdict
from titer.analysis.verdict import decide
from titer.records import canonical
from titer.study.atomic_files import write_text
from titer.study.folder import Study


def conclude(study: Study) -> Verdict:
    """The verdict of a finished study; also written to verdict.json.

    Raises:
        UnfinishedError: if something is still missing; says what.
    """
    verdict, _ = conclude_assay(study)
    return verdict


def conclude_assay(study: Study) -> tuple[Verdict, Assay]:
    """The verdict of a finished study with the assay it rests on."""
    assay = assemble(study)
    verdict = decide(assay, study.protocol)
    write_text(study.folder / "verdict.json", verdict.to_json() + "\n")
    return verdict, assay


def report(study: Study) -> Path:
    """Write report.md, report.json and the charts of a finished study; the path of report.md."""
    from titer.report.charts import charts
    from titer.report.json_report import report_data
    from titer.report.markdown import render

    verdict, assay = conclude_assay(study)
    files = charts(assay, study.protocol, verdict, study.folder)
    write_text(study.folder / "report.json", canonical(report_data(verdict, assay)) + "\n")
    path = study.folder / "report.md"
    write_text(path, render(verdict, assay, files))
    return path
