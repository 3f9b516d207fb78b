"""A study folder is opened: read as it began, or begun."""

from __future__ import annotations

from pathlib import Path

from titer.errors import InputError
from titer.planning.freeze.frozen import freeze
from titer.protocol.loading import load
from titer.study.atomic_files import write_text
from titer.study.folder import (
    FROZEN,
    PROTOCOL,
    Study,
    check_unchanged,
    has_begun,
    is_packed,
    read_protocol,
    read_study,
)
from titer.study.locks import locked
from titer.study.root import frozen_text, register
from titer.study.sealing import check_own
from titer.study.store_place import remember, store_to_write
from titer.study.unpacking import unpack


def open_study(folder: Path, store: Path | None = None) -> Study:
    """The study of a folder, which begins now if it has not yet: from now on its protocol must not change.

    Args:
        folder: the study folder.
        store: the absolute path of a store that is not in it, each time anew; None for one that is.

    Raises:
        InputError: if the protocol cannot be used, or was changed after the study had begun.
        BusyError: if it has not begun, and another process runs or begins it.
    """
    return begin_study(draft_study(folder, store))


def draft_study(folder: Path, store: Path | None = None) -> Study:
    """The study of a folder as it began, or as it would begin: nothing in the folder says yet that it has.

    What the protocol points at becomes digests, its rows and items are kept in the store; a packed study is unpacked.

    Args:
        folder: the study folder.
        store: the absolute path of a store that is not in it, each time anew; None for one that is.

    Raises:
        InputError: if the protocol cannot be used, or was changed after the study had begun.
        BusyError: if it is packed, and another process unpacks it.
    """
    if is_packed(folder):
        with locked(folder):
            if is_packed(folder):
                unpack(folder)
    begun = has_begun(folder)
    protocol = read_protocol(folder) if begun else load(folder / PROTOCOL)
    place = store_to_write(folder, protocol, store)
    frozen = None if begun else freeze(protocol, place)
    if store is not None:
        place.claim()
        remember(folder, place)
    study = read_study(folder) if frozen is None else Study(folder, protocol, frozen, place)
    if begun:
        check_own(study)
    return study


def begin_study(study: Study) -> Study:
    """Write down what a study begins with, unless it has begun.

    Raises:
        InputError: if its protocol was changed since it was read, or has a defense that is to be tuned.
        BusyError: if it has not begun, and another process runs or begins it.
    """
    if study.protocol.tuning is not None:
        remedy = "Run `titer tune` on it, and then the protocol that it writes; or take the table out."
        raise InputError("tuning", "the defense is still to be tuned", remedy)
    if not has_begun(study.folder):
        with study.locked():
            check_unchanged(load(study.folder / PROTOCOL), study.protocol, str(study.folder / PROTOCOL))
            if not has_begun(study.folder):
                register(study.folder, study.frozen)
                write_text(study.folder / FROZEN, frozen_text(study.frozen))
    return read_study(study.folder)
