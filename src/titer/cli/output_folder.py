"""A folder that a command is to write for its user: there must be room for it."""

from __future__ import annotations

from pathlib import Path

from titer.errors import InputError


def check_folder(folder: Path) -> None:
    """`folder` is one, or nothing yet.

    Raises:
        InputError: if it is a file.
    """
    if folder.exists() and not folder.is_dir():
        raise InputError(str(folder), "this is a file, and a folder is meant", "Choose another name.")


def check_free(folder: Path) -> None:
    """Nothing that is there already is written over.

    Raises:
        InputError: if `folder` is a file, or a folder with something in it.
    """
    check_folder(folder)
    if folder.is_dir() and any(folder.iterdir()):
        raise InputError(str(folder), "the folder is not empty", "Choose another one.")
