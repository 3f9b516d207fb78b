"""`report`: what a study found, written for its readers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from titer.analysis.concluding import conclude_path
from titer.cli.report_forms import write_form
from titer.conclude import keep_verdict
from titer.conclude import report as write
from titer.errors import InputError
from titer.report.formats import DEFAULT, FORMATS, ReportFormat
from titer.report.view.said import Language


def write_report(path: Path, formats: Sequence[str] | None, lang: Language, form: str | None) -> tuple[Path, ...]:
    """Write the report of a finished study, or of a packed one; the paths of its files.

    Args:
        path: its folder, or one of its tables.
        formats: what to write; None for the page, Markdown and data.
        lang: the language.
        form: the form of others that is filled, too; None for none.

    Raises:
        InputError: if there is no study.
        UnfinishedError: if it is not finished; says what is missing.
        DamagedError: if a file is not what was written.
    """
    wanted = _wanted(formats) if formats else DEFAULT
    found = conclude_path(path)
    keep_verdict(found, found.folder)
    written = write(found, wanted, lang)
    return written if form is None else (*written, write_form(found, form))


def _wanted(formats: Sequence[str]) -> tuple[ReportFormat, ...]:
    if unknown := [name for name in formats if name not in FORMATS]:
        raise InputError("--format", f"there is no format '{unknown[0]}'", f"Known: {', '.join(FORMATS)}.")
    return tuple(known for known in FORMATS if known in formats)
