"""`report`: what a study found, written for its readers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from titer.analysis.assemble import missing_curves
from titer.analysis.concluding import conclude_path
from titer.cli.report_forms import write_form
from titer.conclude import keep_verdict
from titer.conclude import report as write
from titer.errors import InputError, UnfinishedError
from titer.report.formats import DEFAULT, FORMATS, ReportFormat
from titer.report.view.said import Language
from titer.study.folder import has_begun, read_study

_NAMED = 3
"""How many of the missing curves are named."""


def write_report(path: Path, formats: Sequence[str] | None, lang: Language, form: str | None) -> tuple[Path, ...]:
    """Write the report of a finished study, or of a packed one; the paths of its files.

    Args:
        path: its folder, or one of its tables.
        formats: what to write; None for the page, Markdown and data.
        lang: the language.
        form: the form of others that is filled, too; None for none.

    Raises:
        InputError: if there is no study, or it is not finished; says what is missing.
        DamagedError: if a file is not what was written.
    """
    wanted = _wanted(formats) if formats else DEFAULT
    try:
        found = conclude_path(path)
    except UnfinishedError as error:
        raise InputError(str(path), _missing(path) or str(error), f"Finish it: `titer run {path}`.") from error
    keep_verdict(found, found.folder)
    written = write(found, wanted, lang)
    return written if form is None else (*written, write_form(found, form))


def _wanted(formats: Sequence[str]) -> tuple[ReportFormat, ...]:
    if unknown := [name for name in formats if name not in FORMATS]:
        raise InputError("--format", f"there is no format '{unknown[0]}'", f"Known: {', '.join(FORMATS)}.")
    return tuple(known for known in FORMATS if known in formats)


def _missing(folder: Path) -> str:
    """What a study that has begun still lacks; nothing where that is not known."""
    if not folder.is_dir() or not has_begun(folder):
        return "it has not been run yet"
    missing, planned = missing_curves(read_study(folder))
    if not missing:
        return "it is not finished, though nothing that is planned so far is missing"
    more = "" if len(missing) <= _NAMED else f"; and {len(missing) - _NAMED} more"
    return f"{len(missing)} of {planned} planned runs are missing ({'; '.join(missing[:_NAMED])}{more})"
