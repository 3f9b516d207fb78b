"""What is concluded anew before it is shown: the report of a study, and several side by side."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from titer.analysis.concluding import Conclusion, conclude_path
from titer.report.comparison.rows import ComparedStudy, compare
from titer.report.formats import Rendering
from titer.report.view.said import Language
from titer.study.folder import is_packed, read_study
from titer.viewer import pages
from titer.viewer.catalog import Entry, inside


def report_page(root: Path, entry: Entry, language: Language) -> str:
    """The page of a finished or packed study.

    Args:
        root: the folder that is shown.
        entry: the study.
        language: of the page.

    Raises:
        InputError: if its store lies outside of the folder.
        DamagedError: if a file is not what was written.
    """
    found = _concluded(root, entry)
    (page,) = Rendering(found.verdict, found.assay, found.root, {}).files("html", language).values()
    return page.decode()


def compared_page(root: Path, chosen: Sequence[Entry]) -> str:
    """Several studies side by side.

    Args:
        root: the folder that is shown.
        chosen: the studies.

    Raises:
        InputError: if they cannot be compared, or a store lies outside of the folder.
        DamagedError: if a file is not what was written.
    """
    found = [_concluded(root, entry) for entry in chosen]
    studies = [
        ComparedStudy(name=entry.place, verdict=one.verdict, protocol=one.assay.protocol, assay=one.assay)
        for entry, one in zip(chosen, found, strict=True)
    ]
    return pages.compared_page(compare(studies))


def _concluded(root: Path, entry: Entry) -> Conclusion:
    """What is concluded from the files of a study as they are now."""
    if not is_packed(entry.folder):
        inside(root, read_study(entry.folder))
    return conclude_path(entry.folder)
