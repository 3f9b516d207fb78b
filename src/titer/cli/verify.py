"""`verify`: whether a study is what it was when it was finished, and the digest that says so."""

from __future__ import annotations

from pathlib import Path

from titer.conclude import verify
from titer.errors import DamagedError, InputError, UnfinishedError
from titer.study.folder import is_packed, read_study


def verified(folder: Path, published: str | None) -> str:
    """The line of a study that can be published: its root digest and that of its registration.

    Args:
        folder: a finished study folder.
        published: the root digest that it should have, or the first digits of it.

    Raises:
        InputError: if it is a packed study, or the digest is none.
        UnfinishedError: if the study is not finished.
        DamagedError: if a file is not what it was, or the digest is another.
    """
    if is_packed(folder):
        problem = "a packed study has no root digest of its own"
        raise InputError(str(folder), problem, "Verify the study that it was packed from.")
    if published is not None and (len(published) < 8 or not set(published) <= set("0123456789abcdef")):
        raise InputError("--digest", f"'{published[:40]}' is no digest", "Give 8 hexadecimal digits of it or more.")
    study = read_study(folder)
    root = verify(study)
    if root is None or root.root is None:
        raise UnfinishedError(f"{folder} has no root digest, since it is not finished: `titer run {folder}`")
    if published is not None and not root.root.startswith(published):
        raise DamagedError(f"{folder} has the root digest {root.root}, not the published {published}")
    return (
        f"titer {root.titer} study {study.protocol.study.name}: root {root.root}, registration {root.registration}, "
        f"{len(root.leaves)} files unchanged"
    )
