"""Where the store of a study is: in its folder; or elsewhere, as the command line said and a file beside remembers.

A protocol points nowhere outside its folder. What the command line said is written to store.path, one line; commands
that only read take it from there. One that writes must be told again: the file may have come with a stranger's study.
"""

from __future__ import annotations

from pathlib import Path

from titer.boundary import read_bytes
from titer.errors import InputError
from titer.protocol.schema import Protocol
from titer.study import store_mark
from titer.study.atomic_files import no_link, write_text
from titer.study.store import Store
from titer.study.store_mark import MARK

PACKED_STORE = "packed"
"""The folder in which a packed study that goes on has its store."""
REMEMBERED = "store.path"
"""The file in a study folder that says where its store is, if not in it."""
OPTION = "--store"


def store_of(folder: Path, protocol: Protocol) -> Store:
    """The store that a study is read from; a packed one has its own, whatever else is said.

    Raises:
        InputError: if there is a link on the way, no store where one is remembered, or one of another format.
    """
    elsewhere = _remembered(folder)
    packed = folder / PACKED_STORE
    if packed.is_dir() or elsewhere is None:
        store = Store(no_link(packed if packed.is_dir() else folder / protocol.study.store, folder))
    elif (elsewhere / MARK).is_file():
        store = Store(elsewhere)
    else:
        remedy = f"If it was moved, delete {folder / REMEMBERED} and say {OPTION} with its new place."
        raise InputError(str(folder / REMEMBERED), f"it names {elsewhere}, which is no store of titer", remedy)
    store_mark.check(store.root)
    return store


def store_to_write(folder: Path, protocol: Protocol, given: Path | None) -> Store:
    """The store that a command writes into. Nothing is written yet.

    Args:
        folder: the study folder.
        protocol: its protocol.
        given: what the command line said; needed whenever the store is not in the study folder.

    Raises:
        InputError: if it was not said, or is none, or the study has another store already.
    """
    elsewhere = _remembered(folder)
    if given is None:
        if elsewhere is not None and not (folder / PACKED_STORE).is_dir():
            problem = f"{folder} has its store outside, in {elsewhere}"
            raise InputError(OPTION, problem, f"Say {OPTION} {elsewhere} if titer is to write there.")
        return store_of(folder, protocol)
    store = Store(_absolute(given))
    store_mark.check(store.root)
    own = None if elsewhere is not None and not elsewhere.exists() else store_of(folder, protocol)
    if own is not None and (own.root / MARK).exists() and own.root.resolve() != store.root:
        raise InputError(OPTION, f"{folder} has its store in {own.root} already", "Name that one, or leave it out.")
    return store


def remember(folder: Path, store: Store) -> None:
    """Write down where the store of a study is, as the command line said."""
    if _remembered(folder) != store.root:
        write_text(folder / REMEMBERED, f"{store.root}\n")


def _remembered(folder: Path) -> Path | None:
    path = folder / REMEMBERED
    if not path.exists() and not path.is_symlink():
        return None
    line = read_bytes(no_link(path, folder)).decode(errors="replace").removesuffix("\n")
    if not line.isprintable() or not Path(line).is_absolute():
        remedy = f"Delete it, and say {OPTION} with the place of the store."
        raise InputError(str(path), "it does not hold one absolute path", remedy)
    return Path(line)


def _absolute(given: Path) -> Path:
    """The folder that was named, as the file system has it."""
    if not given.is_absolute():
        raise InputError(OPTION, f"{given} is not an absolute path", f"Write {OPTION} {given.absolute()}.")
    if given.is_symlink():
        raise InputError(OPTION, f"{given} is a link", "Name the folder itself.")
    return given.resolve()
