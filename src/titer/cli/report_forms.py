"""`report --map`: a form of others, filled from a study and written beside its report."""

from __future__ import annotations

from pathlib import Path

from titer.analysis.concluding import Conclusion
from titer.report.forms.filling import filled_form, markdown
from titer.report.json_report import report_data
from titer.study.atomic_files import write_text


def write_form(conclusion: Conclusion, name: str) -> Path:
    """Write a form as form-NAME.md and form-NAME.json into the folder of a study; the path of the first.

    Args:
        conclusion: what was concluded of the study.
        name: of the form.
    """
    report = report_data(conclusion.verdict, conclusion.assay, conclusion.root)
    filled = filled_form(name, report)
    path = conclusion.folder / f"form-{name}.md"
    write_text(path, markdown(filled))
    write_text(path.with_suffix(".json"), filled.to_json() + "\n")
    return path
