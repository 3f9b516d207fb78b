"""From a finished study, or a packed one, to its verdict: everything is compared with its digest before it is believed.

Nothing is written here, so that a study may lie on a medium that cannot be written.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from titer.analysis import stopping
from titer.analysis.assemble import assemble, assemble_packed
from titer.analysis.findings import Assay, Verdict
from titer.analysis.verdict import decide
from titer.boundary import read_text
from titer.errors import DamagedError, InputError, UnfinishedError
from titer.study.atomic_files import no_link
from titer.study.folder import CELLS, SCORES, Frozen, Study, is_packed, read_study
from titer.study.packing import ReadCell
from titer.study.root import Root
from titer.study.sealing import check_files, check_subjects, check_tables
from titer.study.unpacking import read_packed
from titer.study.view import StoreView

VERDICT = "verdict.json"


@dataclass(frozen=True, kw_only=True)
class Conclusion:
    """The verdict of a study with the assay and the digests that it rests on, its folder, and its name at the start."""

    verdict: Verdict
    assay: Assay
    root: Root
    folder: Path
    registered_name: str


def conclude(study: Study) -> Conclusion:
    """Conclude on a finished study.

    Raises:
        UnfinishedError: if something is still missing; says what.
        DamagedError: if a file is not what it was when the study was finished.
    """
    root = check_files(study, cells_of(study))
    return _concluded(assemble(study), root, study.folder, study.frozen)


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
    packed = read_packed(folder)
    return _concluded(assemble_packed(packed, folder), packed.root, folder, packed.whole.frozen)


def check_whole(path: Path) -> Conclusion:
    """Conclude, and compare what a pack of the study shows, too: the tables that it has, or would have."""
    found = conclude_path(path)
    if not is_packed(found.folder):
        study = read_study(found.folder)
        check_subjects(study, found.root)
        check_tables(study, cells_of(study))
        if (found.folder / CELLS).exists() or (found.folder / SCORES).exists():
            read_packed(found.folder)
    return found


def cells_of(study: Study) -> Iterator[ReadCell]:
    """The cells of a study as they are read, one after the other; none where it has not been planned."""
    if study.tasks_file.exists():
        yield from stopping.read_cells(study, StoreView(study.store))


def _concluded(assay: Assay, root: Root, folder: Path, begun: Frozen) -> Conclusion:
    if not root.is_sealed:
        raise UnfinishedError(str(folder), "it is not finished", f"Finish it: `titer run {folder}`.")
    verdict = decide(assay)
    _compare(verdict, folder / VERDICT)
    name = begun.protocol.study.name
    return Conclusion(verdict=verdict, assay=assay, root=root, folder=folder, registered_name=name)


def _compare(verdict: Verdict, path: Path) -> None:
    """A verdict that was written before is the one that is concluded now; only its study's name may have changed."""
    if not no_link(path, path.parent).exists():
        return
    try:
        written = Verdict.from_json(read_text(path)).model_copy(update={"study": verdict.study})
        same = written.to_json() == verdict.to_json()
    except (UnicodeDecodeError, DamagedError):
        same = False
    if not same:
        raise DamagedError(
            f"{path} is not what is concluded from the scores: it was changed, or another titer wrote it. Delete it, "
            f"and `titer verdict {path.parent}` writes it anew"
        )
