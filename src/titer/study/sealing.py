"""The end of a study, written down and compared: nothing is concluded from what is not what it was then."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from titer.errors import DamagedError
from titer.study.folder import FROZEN, PROTOCOL, PUT_BACK, STANDING, TASKS, Study
from titer.study.leaves import (
    BEGUN,
    ENDED,
    STORE,
    file_leaf,
    file_names,
    frozen_leaf,
    may_go,
    path_of,
    protocol_leaf,
    table_leaves,
    versions,
)
from titer.study.packing import ReadCell
from titer.study.root import FINISHED, SALTED, STARTED, Root, keep_root, read_root, sha256_of
from titer.study.salt import Salt, read_salt


def seal(study: Study, cells: Iterable[ReadCell]) -> Root:
    """Write down the digest of every file that the finished study is read from; once, for they may not change.

    Args:
        study: the study.
        cells: its cells, as they are read.

    Raises:
        DamagedError: if something is not what it was when the study was registered, or finished before.
    """
    known, salt = check_kept(study)
    if known.is_sealed:
        return check_files(study, cells)
    cells, now = tuple(cells), versions()
    leaves = {
        **protocol_leaf(study),
        **{name: file_leaf(study, name, salt) for name in file_names(study, cells)},
        **table_leaves(study, cells, salt),
        SALTED: salt.commitment,
        STARTED: known.leaves[STARTED],
        FINISHED: sha256_of(now),
    }
    leaves = dict(sorted(leaves.items()))
    return keep_root(
        study.folder, known.model_copy(update={"ended_with": now, "root": sha256_of(leaves), "leaves": leaves})
    )


def check_kept(study: Study) -> tuple[Root, Salt]:
    """Before a study is run again: what is there is what it was; what the store lacks is made anew.

    Args:
        study: the study, finished or not.

    Returns:
        Its digests and its salt.

    Raises:
        DamagedError: naming the first file that was changed.
    """
    known = read_root(study.folder)
    salt = read_salt(study.folder, known.salt)
    _check_known(study, known, protocol_leaf(study))
    if salt.secret is None:
        _check_known(study, known, frozen_leaf(study.frozen, salt))
        return known, salt
    for name in _files(known):
        path = path_of(study, name)
        if path.exists() or path.is_symlink():
            if file_leaf(study, name, salt) != known.leaves[name]:
                raise _changed(path, "is truncated or was changed", name)
        elif not name.startswith(STORE):
            raise _changed(path, "is missing", name)
    return known, salt


def check_files(study: Study, cells: Iterable[ReadCell]) -> Root:
    """Compare every file that a finished study is read from with its digest; of an unpacked one, its tables.

    Args:
        study: the study.
        cells: its cells, as they are read: asked for after everything that they are read from was compared.

    Returns:
        The digests; not sealed where the study is not finished, and then nothing but its inputs was compared.

    Raises:
        DamagedError: naming the first file that is not what it was.
    """
    known, salt = check_kept(study)
    if salt.secret is None:
        return check_tables(study, cells)
    for name in _files(known):
        if not path_of(study, name).exists() and not may_go(study, name):
            raise DamagedError(
                f"{path_of(study, name)} is missing: `titer run {study.folder}` makes it anew, as it was"
            )
    if known.is_sealed:
        for name in sorted(set(file_names(study, tuple(cells))) - known.leaves.keys()):
            raise _changed(path_of(study, name), "was added", name)
    return known


def check_tables(study: Study, cells: Iterable[ReadCell]) -> Root:
    """Compare the tables that a finished study would be packed as with their digests.

    Args:
        study: the study.
        cells: its cells, as they are read.

    Raises:
        DamagedError: naming the first table that is not what it was.
    """
    known, salt = check_kept(study)
    _check_known(study, known, table_leaves(study, tuple(cells), salt))
    return known


def _check_known(study: Study, known: Root, found: Mapping[str, str]) -> None:
    """Compare leaves that are no files."""
    about = {BEGUN: FROZEN, PROTOCOL: PROTOCOL, ENDED: study.status_file.name}
    for name, one in found.items():
        if known.leaves.get(name) != one:
            what = about.get(name, f"the rows of {Path(name).name}")
            problem = f"{study.folder}: {what} changed since the study was registered or finished"
            raise DamagedError(f"{problem}. Nothing is concluded from it. {PUT_BACK}")


def _files(known: Root) -> list[str]:
    """The leaves that are files: first those of the study, then those of its store."""
    own = (FROZEN, TASKS, STANDING)
    return [name for name in own if name in known.leaves] + [name for name in known.leaves if name.startswith(STORE)]


def _changed(path: Path, state: str, name: str) -> DamagedError:
    own = name.startswith(STORE)
    remedy = f"Delete {path} and run again: it must come back as it was" if own else PUT_BACK
    since = "finished" if own else "registered"
    return DamagedError(f"{path} {state} since the study was {since}. Nothing is concluded from it. {remedy}")
