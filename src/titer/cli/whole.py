"""A folder that a command writes for its user: it appears whole, or not at all."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from titer.errors import InputError
from titer.store import writing


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


def write_whole(folder: Path, fill: Callable[[Path], None]) -> None:
    """Let `fill` write into a temporary folder beside `folder`, whose place it then takes.

    Raises:
        RunError: if it cannot be written; nothing is left behind.
    """
    with writing(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
        try:
            fill(temporary)
            temporary.chmod(0o755)
            temporary.rename(folder)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
