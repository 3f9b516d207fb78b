"""The end of a study, written down and compared: nothing is concluded from what is not what it was then."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from titer.errors import DamagedError
from titer.study.folder import PUT_BACK, Study
from titer.study.leaves import (
    BEGUN,
    ENDED,
    PROTOCOL,
    STORE,
    file_leaves,
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
    cells, known = tuple(cells), read_root(study.folder)
    if known.is_sealed:
        check_files(study, cells)
        return known
    salt, now = read_salt(study.folder, known.salt), versions()
    files = file_leaves(study, cells, salt)
    leaves = {**protocol_leaf(study), **files, **table_leaves(study, cells, salt)}
    leaves |= {SALTED: salt.commitment, STARTED: known.leaves[STARTED], FINISHED: sha256_of(now)}
    _compare(study, known.leaves, {name: leaves[name] for name in known.leaves if name in leaves})
    leaves = dict(sorted(leaves.items()))
    return keep_root(
        study.folder, known.model_copy(update={"ended_with": now, "root": sha256_of(leaves), "leaves": leaves})
    )


def check_kept(study: Study, cells: Iterable[ReadCell]) -> None:
    """Before a study is run again: what is still there is what it was; what is missing is made anew.

    Args:
        study: the study, finished or not.
        cells: its cells, as they are read.

    Raises:
        DamagedError: naming the first file that was changed.
    """
    known, salt = _known(study)
    found = {**protocol_leaf(study), SALTED: salt.commitment}
    if salt.secret is None:
        found |= {SALTED: known.salt, **frozen_leaf(study.frozen, salt)}
    else:
        found |= file_leaves(study, tuple(cells) if known.is_sealed else (), salt)
    _compare(study, known.leaves, known.leaves | {name: one for name, one in found.items() if name in known.leaves})


def check_files(study: Study, cells: Iterable[ReadCell]) -> Root:
    """Compare every file that a finished study is read from with its digest; of an unpacked one, its tables.

    Args:
        study: the study.
        cells: its cells, as they are read.

    Returns:
        The digests; not sealed where the study is not finished, and then nothing but its inputs was compared.

    Raises:
        DamagedError: naming the first file that is not what it was.
    """
    cells, (known, salt) = tuple(cells), _known(study)
    if salt.secret is None:
        return check_tables(study, cells)
    if not known.is_sealed:
        check_kept(study, cells)
        return known
    found = {**protocol_leaf(study), SALTED: salt.commitment, **file_leaves(study, cells, salt)}
    own = {name: one for name, one in known.leaves.items() if _is_file(name) or name in (PROTOCOL, SALTED)}
    _compare(study, {name: one for name, one in own.items() if name in found or not may_go(study, name)}, found)
    return known


def check_tables(study: Study, cells: Iterable[ReadCell]) -> Root:
    """Compare the tables that a finished study would be packed as with their digests.

    Args:
        study: the study.
        cells: its cells, as they are read.

    Raises:
        DamagedError: naming the first table that is not what it was.
    """
    known, salt = _known(study)
    for name, one in {**protocol_leaf(study), **table_leaves(study, tuple(cells), salt)}.items():
        if known.leaves.get(name) != one:
            raise DamagedError(f"{study.folder}: {not_as_packed(name)}. Nothing is concluded from it. {PUT_BACK}")
    return known


def not_as_packed(name: str) -> str:
    """What is said of a leaf that a pack can show, and that is not what it was."""
    about = {BEGUN: "what the study began with", ENDED: "how its run ended", PROTOCOL: "the protocol"}
    return f"{about.get(name, f'the rows of {Path(name).name}')} changed since the study was finished"


def _known(study: Study) -> tuple[Root, Salt]:
    """Its digests as they were written, and its salt."""
    root = read_root(study.folder)
    return root, read_salt(study.folder, root.salt)


def _is_file(name: str) -> bool:
    return name.startswith(STORE) or "/" not in name and name not in (PROTOCOL, SALTED)


def _compare(study: Study, known: Mapping[str, str], found: Mapping[str, str]) -> None:
    for name in sorted({*known, *found}, key=lambda name: (name.startswith(STORE), name)):
        if known.get(name) != found.get(name):
            path, own = path_of(study, name), name.startswith(STORE)
            if name not in found and own:
                raise DamagedError(f"{path} is missing: `titer run {study.folder}` makes it anew, as it was")
            if name not in found:
                state = "is missing"
            else:
                state = "was added" if name not in known else "is truncated or was changed"
            remedy = f"Delete {path} and run again: it must come back as it was" if own else PUT_BACK
            since = "finished" if own else "registered"
            raise DamagedError(f"{path} {state} since the study was {since}. Nothing is concluded from it. {remedy}")
