"""A store is a folder that titer made and marked, with the format of its files and the version that made it."""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path

from titer.boundary import read_text
from titer.errors import DamagedError, InputError
from titer.records import canonical
from titer.study.atomic_files import TEMPORARY, no_link, write_text
from titer.study.formats import check_format

MARK = "titer-store.json"
FORMAT = 1
"""Of the files of a store; one of a later format is not read."""
PLACE = "study.store"
FOLDERS = ("data", "subjects", "cells", "scores", "failed", "partial", "seals")


def claim(root: Path) -> None:
    """Make a folder a store, or see that it is one: nothing is written into a folder of anything else.

    Raises:
        InputError: if there is something else, or a store of another format.
    """
    check(root)
    if not (root / MARK).exists():
        _check_empty(root)
        write_text(root / MARK, canonical({"format": FORMAT, "titer": version("titer")}) + "\n")


def check(root: Path) -> None:
    """See that what is there can be read as a store, if anything is. Nothing is written.

    Raises:
        InputError: if it is a file or a link, has a link in the place of a folder, or is of another format.
        DamagedError: if its mark cannot be read.
    """
    if root.is_symlink() or (root.exists() and not root.is_dir()):
        raise InputError(PLACE, f"{root} is a file or a link", "Name a folder.")
    for name in (*FOLDERS, MARK):
        no_link(root / name, root)
    mark = root / MARK
    if not mark.exists():
        return
    try:
        text = read_text(mark)
        json.loads(text)["format"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DamagedError(f"{mark} cannot be read. Is {root} a store of titer?") from error
    check_format(str(root), text, FORMAT)


def _check_empty(root: Path) -> None:
    """A folder that becomes a store has nothing in it, but what another titer writes at the same moment."""
    inside = sorted(path.name for path in root.iterdir()) if root.exists() else []
    foreign = [name for name in inside if name not in (".lock", MARK) and not name.startswith(TEMPORARY)]
    if foreign and not (root / MARK).exists():  # which another titer may have put first, a moment ago
        problem = f"{root} is no store of titer, and is not empty: it has {foreign[0]}"
        raise InputError(PLACE, problem, "Name a folder of its own, which titer makes.")
