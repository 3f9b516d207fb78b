"""The end of a study, written down and compared: nothing is concluded from what is not what it was then."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from titer.errors import DamagedError
from titer.study.atomic_files import compare_listed
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
from titer.study.root import FINISHED, SALTED, STARTED, Root, again_leaf, keep_root, read_root, sha256_of
from titer.study.salt import Salt, read_salt
from titer.study.seals import before, check_remembered, is_remembered, remember


def seal(study: Study, cells: Iterable[ReadCell]) -> Root:
    """Write down the digest of every file that the finished study is read from; once, for they may not change.

    A study that was finished before, as something else, says so from then on.

    Args:
        study: the study.
        cells: its cells, as they are read.

    Raises:
        DamagedError: if something is not what it was when the study was registered, or finished before.
    """
    known, salt = check_kept(study)
    if known.is_sealed:
        if salt.secret is not None and is_remembered(study, known):
            remember(study, known)
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
    again = before(study, known, leaves)
    leaves = dict(sorted({**leaves, **again_leaf(again)}.items()))
    own = {"ended_with": now, "root": sha256_of(leaves), "leaves": leaves, "sealed_again": again}
    root = known.model_copy(update=own)
    remember(study, root)
    return keep_root(study.folder, root)


def check_before(study: Study, cells: Iterable[ReadCell]) -> None:
    """Before a study is run, again or for the first time: what is there is what it was; what it lacks is made anew.

    Nothing is made anew in a study that was unpacked, for its texts and ids are elsewhere: it has to be whole.

    Args:
        study: the study, finished or not.
        cells: its cells, as they are read.

    Raises:
        DamagedError: naming the first file or table that was changed.
    """
    _, salt = check_kept(study)
    if salt.secret is None:
        check_tables(study, cells)


def check_kept(study: Study) -> tuple[Root, Salt]:
    """Compare the files that are there with their digests; those of a store may be missing.

    Args:
        study: the study, finished or not.

    Returns:
        Its digests and its salt.

    Raises:
        DamagedError: naming the first file that was changed.
    """
    known, salt = check_own(study)
    if salt.secret is not None:
        for name in (name for name in known.leaves if name.startswith(STORE)):
            if path_of(study, name).exists() or path_of(study, name).is_symlink():
                _check_file(study, known, name, salt)
    return known, salt


def check_own(study: Study) -> tuple[Root, Salt]:
    """Compare the files of the study's own folder with their digests: what every command begins with that plans it.

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
    for name in (name for name in (FROZEN, TASKS, STANDING) if name in known.leaves):
        if not path_of(study, name).exists():
            raise _changed(path_of(study, name), "is missing", name)
        _check_file(study, known, name, salt)
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
    for name in (name for name in known.leaves if name.startswith(STORE)):
        if not path_of(study, name).exists() and not may_go(study, name):
            raise DamagedError(
                f"{path_of(study, name)} is missing: `titer run {study.folder}` makes it anew, as it was"
            )
    if known.is_sealed:
        check_remembered(study, known)
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


def check_subjects(study: Study, known: Root) -> None:
    """Compare every byte of the made subjects that are there with their manifests, which are leaves of the root.

    Raises:
        DamagedError: naming the first file that was changed, is missing or was added.
    """
    for name in (name for name in known.leaves if name.startswith(f"{STORE}subjects/")):
        if (folder := path_of(study, name).parent).exists():
            compare_listed(folder)


def _check_known(study: Study, known: Root, found: Mapping[str, str]) -> None:
    """Compare leaves that are no files."""
    about = {BEGUN: FROZEN, PROTOCOL: PROTOCOL, ENDED: study.status_file.name}
    for name, one in found.items():
        if known.leaves.get(name) != one:
            what = about.get(name, f"the rows of {Path(name).name}")
            problem = f"{study.folder}: {what} changed since the study was registered or finished"
            raise DamagedError(f"{problem}. Nothing is concluded from it. {PUT_BACK}")


def _check_file(study: Study, known: Root, name: str, salt: Salt) -> None:
    if file_leaf(study, name, salt) != known.leaves[name]:
        raise _changed(path_of(study, name), "is truncated or was changed", name)


def _changed(path: Path, state: str, name: str) -> DamagedError:
    own = name.startswith(STORE)
    remedy = f"Delete {path} and run again: it must come back as it was" if own else PUT_BACK
    since = "finished" if own else "registered"
    return DamagedError(f"{path} {state} since the study was {since}. Nothing is concluded from it. {remedy}")
