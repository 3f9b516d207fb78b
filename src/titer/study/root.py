"""What a study rests on, as one digest: of its protocol and inputs before the run, of every file it is read from after.

root.json has the digest of each file as it was when the study was frozen (registration) or finished (root). Whoever can
write the folder can write that file too: what cannot be undone is a digest that was published, which `titer verify
--digest` compares. Digests are taken from the bytes on the disk and from the protocol as it is read now, never copied.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import version
from pathlib import Path

from titer.errors import DamagedError
from titer.records import Record, digest
from titer.study.atomic_files import write_text
from titer.study.folder import FROZEN, Study
from titer.study.store import MANIFEST, Store
from titer.study.tasks import CellSpec, JudgeRef

ROOT = "root.json"
REGISTERED = "What was registered does not change: start a new study in a folder of its own"
ReadCell = tuple[CellSpec, tuple[int, ...], tuple[JudgeRef, ...]]
"""A cell, the doses that the study reads of it, and who judges it."""


class Root(Record):
    """The digests of a study.

    Attributes:
        titer: the version that wrote them.
        registration: of the protocol and the frozen inputs, known before the run.
        root: of all leaves; None until the study is finished.
        leaves: by the name of each file, relative to the study or its store, the digest of its bytes.
    """

    titer: str
    registration: str
    root: str | None
    leaves: dict[str, str]


def register(study: Study) -> Root:
    """Write down what is known before the run: the pre-registration."""
    leaves = _inputs(study)
    return _keep(study, Root(titer=version("titer"), registration=digest(leaves), root=None, leaves=leaves))


def check_kept(study: Study, cells: Iterable[ReadCell]) -> None:
    """Before a finished study is run again: what is still there is what it was; what is missing is made anew.

    Raises:
        DamagedError: naming the first file that was changed.
    """
    known = read_root(study)
    if known is None or known.root is None:
        return
    found = {**_inputs(study), **dict(_results(study, cells))}
    _compare(study, known.leaves, known.leaves | {name: one for name, one in found.items() if name in known.leaves})


def seal(study: Study, cells: Iterable[ReadCell]) -> Root:
    """Write down the digest of every file that the finished study is read from; once, for they may not change.

    Args:
        study: the study.
        cells: its cells, as they are read.

    Raises:
        DamagedError: if the study was finished before, and something is not what it was.
    """
    cells = tuple(cells)
    if (known := check_root(study, cells)) is not None:
        return known
    inputs = _inputs(study)
    leaves = dict(sorted({**inputs, **dict(_results(study, cells))}.items()))
    return _keep(study, Root(titer=version("titer"), registration=digest(inputs), root=digest(leaves), leaves=leaves))


def read_root(study: Study) -> Root | None:
    """The digests as they were written; None where the study has none."""
    path = study.folder / ROOT
    try:
        return Root.from_json(path.read_text(encoding="utf-8")) if path.exists() else None
    except (UnicodeDecodeError, DamagedError) as error:
        raise DamagedError(f"{path} is damaged: what the study rests on cannot be checked") from error


def check_root(study: Study, cells: Iterable[ReadCell]) -> Root | None:
    """Compare every file that a finished study is read from with its digest.

    Args:
        study: the study.
        cells: its cells, as they are read.

    Returns:
        The digests; None where there are none, as of a study that is not finished.

    Raises:
        DamagedError: naming the first file that is not what it was.
    """
    known = read_root(study)
    if known is None or known.root is None:
        return None
    inputs = _inputs(study)
    found = {**inputs, **dict(_results(study, cells))}
    _compare(study, {name: one for name, one in known.leaves.items() if name in found or not _may_go(name)}, found)
    if digest(dict(sorted(known.leaves.items()))) != known.root or digest(inputs) != known.registration:
        raise DamagedError(f"{study.folder / ROOT} does not have the digest of its own leaves")
    return known


def _keep(study: Study, root: Root) -> Root:
    write_text(study.folder / ROOT, root.to_json() + "\n")
    return root


def _compare(study: Study, known: Mapping[str, str], found: Mapping[str, str]) -> None:
    for name in sorted({*known, *found}):
        if known.get(name) != found.get(name):
            path = _path_of(study, name)
            if name not in found:
                raise DamagedError(f"{path} is missing: `titer run {study.folder}` makes it anew, as it was")
            state = "was added" if name not in known else "is truncated or was changed"
            remedy = (
                f"Delete {path} and run again: it must come back as it was" if name.startswith("store/") else REGISTERED
            )
            raise DamagedError(f"{path} {state} since the study was finished. Nothing is concluded from it. {remedy}")


def _may_go(name: str) -> bool:
    """Whether a file may be missing: the weights of a subject take much room, and nothing is concluded from them."""
    return name.startswith("store/subjects/")


def _path_of(study: Study, name: str) -> Path:
    """Where the file of a leaf lies."""
    return study.store.root / name.removeprefix("store/") if name.startswith("store/") else study.folder / name


def _inputs(study: Study) -> dict[str, str]:
    """The protocol by its meaning, and what was frozen: rows and items are in it by their digests."""
    return {"protocol.toml": study.protocol.digest, FROZEN: _sha256(study.folder / FROZEN)}


def _results(study: Study, cells: Iterable[ReadCell]) -> Iterator[tuple[str, str]]:
    """The list of cells, and of each cell the subject it had, its answers, their scores, or why it failed."""
    if study.tasks_file.exists():
        yield study.tasks_file.name, _sha256(study.tasks_file)
    store, makes = study.store, set[str]()
    for cell, doses, judges in cells:
        makes |= set(cell.makes)
        yield from _of(store, store.failed(cell.key))
        for dose in doses:
            yield from _of(store, store.answers(cell.key, dose))
            for judge in judges:
                yield from _of(store, store.scores(judge.key, dose))
    for key in sorted(makes):
        yield from _of(store, store.subject(key) / MANIFEST)
        yield from _of(store, store.failed(key))


def _of(store: Store, path: Path) -> Iterator[tuple[str, str]]:
    """A file of the store by its place in it, if it is there."""
    if path.exists():
        yield f"store/{path.relative_to(store.root)}", _sha256(path)


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
