"""`verify`: whether a study is what it was when it was finished, and the digests that say so."""

from __future__ import annotations

from pathlib import Path

from titer.analysis.concluding import check_whole
from titer.conclude import check_report
from titer.errors import DamagedError, InputError
from titer.study.root import Root
from titer.study.signature import check_signature, sign

_LEAST = 32
"""Hexadecimal digits of a digest that was published: studies could be tried until one meets fewer."""


def verified(
    path: Path,
    root: str | None = None,
    registration: str | None = None,
    key: Path | None = None,
    signer: Path | None = None,
) -> str:
    """The line of a study that can be published: its root digest and that of its registration, once all was compared.

    Args:
        path: a finished study folder, a packed one, or one of its tables.
        root: the root digest that was published, or the first 32 digits of it or more.
        registration: that of the registration.
        key: the SSH key to sign the line with.
        signer: the public SSH key whose signature it should have.

    Raises:
        InputError: if a digest is none, or a key cannot be used.
        UnfinishedError: if the study is not finished.
        DamagedError: if a file is not what it was, a digest is another, or the signature does not hold.
    """
    for option, digest in (("--digest", root), ("--registration", registration)):
        _check_digest(option, digest)
    found = check_whole(path)
    check_report(found)
    for what, own, published in _published(found.root, root, registration):
        if not own.startswith(published):
            raise DamagedError(f"{path} has the {what} digest {own}, not the published {published}")
    if signer is not None:
        check_signature(found.folder, found.root, signer)
    if key is not None:
        sign(found.folder, found.root, key)
    return found.root.line


def _check_digest(option: str, digest: str | None) -> None:
    if digest is not None and (len(digest) < _LEAST or not set(digest) <= set("0123456789abcdef")):
        remedy = f"Give {_LEAST} hexadecimal digits of it or more."
        raise InputError(option, f"'{digest[:40]}' is no digest", remedy)


def _published(found: Root, root: str | None, registration: str | None) -> list[tuple[str, str, str]]:
    """What each digest is called, what it is, and what it was published as."""
    pairs = (("root", str(found.root), root), ("registration", found.registration, registration))
    return [(what, own, published) for what, own, published in pairs if published is not None]
