"""The verdict, report and pack of a finished study, written. No torch."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from titer.analysis.concluding import VERDICT, Conclusion, cells_of
from titer.analysis.concluding import conclude as concluded
from titer.boundary import read_bytes
from titer.errors import DamagedError, InputError
from titer.report.formats import CHECKED, DEFAULT, NAMES, PACKED, Rendering, ReportFormat, file_name
from titer.report.view.said import LANGUAGES, Language
from titer.study.atomic_files import copy_file, no_link, write_bytes, write_text
from titer.study.folder import PROTOCOL, Study
from titer.study.packing import write_tables
from titer.study.root import ROOT
from titer.study.salt import read_salt
from titer.study.sealing import check_tables
from titer.study.signature import SIGNATURE, check_armor
from titer.study.unpacking import write_sums

DATA = "report.json"


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


def report(
    conclusion: Conclusion, formats: Sequence[ReportFormat] = DEFAULT, lang: Language = "en"
) -> tuple[Path, ...]:
    """Write a report beside the verdict, in some formats; with Markdown also the charts, as SVG and PNG.

    Args:
        conclusion: what was concluded.
        formats: the formats.
        lang: the language of what is written in words.

    Returns:
        The paths of what was written, in the order of the formats, charts left out.
    """
    from titer.report.charts import charts

    drawn = charts(conclusion.assay, conclusion.verdict, conclusion.folder) if "md" in formats else {}
    rendering = _rendering(conclusion, drawn)
    written = []
    for wanted in formats:
        for name, content in rendering.files(wanted, lang).items():
            write_bytes(conclusion.folder / name, content)
            written.append(conclusion.folder / name)
    return tuple(written)


def check_report(conclusion: Conclusion) -> None:
    """Compare a report that was written before, and its charts, with those that are written now.

    Raises:
        DamagedError: if it says something else.
    """
    from titer.report.charts import CHARTS

    folder = conclusion.folder
    conclusion = _as_named(conclusion, folder / DATA)
    _check_charts(conclusion)
    drawn = {name: f"{name}.svg" for name in CHARTS if (folder / f"{name}.svg").exists()}
    rendering = _rendering(conclusion, drawn)
    for wanted in CHECKED:
        for lang in LANGUAGES:
            if any(os.path.lexists(folder / file_name(name, lang)) for name in NAMES[wanted]):
                for name, content in rendering.files(wanted, lang).items():
                    _check_same(folder / name, content)


def _check_charts(conclusion: Conclusion) -> None:
    """Draw anew each chart that was drawn before."""
    from titer.report.charts import CHARTS, charted, png_of, svg_of

    there = [
        path
        for name in CHARTS
        for end in ("svg", "png")
        if os.path.lexists(path := conclusion.folder / f"{name}.{end}")
    ]
    if not there:
        return
    drawn = charted(conclusion.assay, conclusion.verdict)
    pictures = {name: svg_of(chart) for name, chart in drawn.items() if any(path.stem == name for path in there)}
    for path in there:
        svg = pictures.get(path.stem, "")
        _check_same(path, png_of(svg) if svg and path.suffix == ".png" else svg.encode())


def _check_same(path: Path, content: bytes) -> None:
    if os.path.lexists(path) and read_bytes(path) != content:
        problem = f"{path} is not what is reported of the scores: it was changed, or another titer wrote it"
        raise DamagedError(f"{problem}. Delete it, and `titer report {path.parent}` writes it anew")


def _as_named(conclusion: Conclusion, path: Path) -> Conclusion:
    """A conclusion under the name that the study had when its report was written; the name alone may change."""
    try:
        name = str(json.loads(read_bytes(path))["verdict"]["study"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return conclusion
    protocol = conclusion.assay.protocol
    named = protocol.model_copy(update={"study": protocol.study.model_copy(update={"name": name})})
    verdict = conclusion.verdict.model_copy(update={"study": name})
    return replace(conclusion, verdict=verdict, assay=conclusion.assay.model_copy(update={"protocol": named}))


def _rendering(conclusion: Conclusion, charts: Mapping[str, str]) -> Rendering:
    """The report of a conclusion.

    Args:
        conclusion: what was concluded.
        charts: the file of each chart, by its name.
    """
    return Rendering(conclusion.verdict, conclusion.assay, conclusion.root, charts)


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
    report(found, PACKED)
    for image in out.glob("*.png"):
        image.unlink()
    for name in (PROTOCOL, ROOT, SIGNATURE):
        if no_link(study.folder / name, study.folder).exists():
            copy_file(study.folder / name, out / name)
    write_tables(study, tuple(cells_of(study)), read_salt(study.folder, found.root.salt), out)
    write_sums(out)
