"""`verify`: whether a study is what it was when it was finished, and the digests that say so."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from titer.analysis.concluding import Conclusion, check_whole
from titer.conclude import check_report
from titer.errors import DamagedError, InputError
from titer.study.root import Root
from titer.study.signature import NAMESPACE, Signature, check_signature, sign, signature_of

UNANCHORED = (
    "compared with its own digests only, which whoever wrote the study could write, too: give the digest that was "
    "published with --digest, or the key of the signer with --signer"
)
_LEAST = 32
"""Hexadecimal digits of a digest that was published: studies could be tried until one meets fewer."""


@dataclass(frozen=True, kw_only=True)
class Verified:
    """A study that is what it was.

    Attributes:
        line: what can be published: its root digest and that of its registration.
        notes: what a reader has to know besides: another name, an earlier root, who signed it, what was not compared.
    """

    line: str
    notes: tuple[str, ...]


def verified(
    path: Path,
    root: str | None = None,
    registration: str | None = None,
    key: Path | None = None,
    signer: Path | None = None,
) -> Verified:
    """Compare all that a study rests on, and say what stays to be known of it.

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
    if key is not None:
        sign(found.folder, found.root, key)
    signature = signature_of(found.folder, found.root)
    if signer is not None:
        check_signature(found.folder, found.root, signer)
    notes = (*_named(found), *(again.line for again in found.root.sealed_again), *_signed(signature, signer))
    anchored = root is not None or signer is not None
    return Verified(line=found.root.line, notes=notes if anchored else (*notes, UNANCHORED))


def _named(found: Conclusion) -> Iterator[str]:
    """The name is no part of what is compared; the one that was registered is."""
    begun, now = found.registered_name, found.assay.protocol.study.name
    if begun != now:
        yield f"renamed: it was registered as '{begun}', and no digest covers the name '{now}' that it has now"


def _signed(signature: Signature | None, signer: Path | None) -> Iterator[str]:
    """Who signed it: a signature has no name in it, only the key."""
    if signature is None:
        return
    if signer is not None:
        yield f"signed by {signature}, which is the key {signer}"
        return
    foreign = "" if signature.namespace == NAMESPACE else f" (titer's is '{NAMESPACE}': it was made for something else)"
    yield f"signed by {signature}{foreign}; not checked against anybody: name the key that you trust with --signer"


def _check_digest(option: str, digest: str | None) -> None:
    if digest is not None and (len(digest) < _LEAST or not set(digest) <= set("0123456789abcdef")):
        remedy = f"Give {_LEAST} hexadecimal digits of it or more."
        raise InputError(option, f"'{digest[:40]}' is no digest", remedy)


def _published(found: Root, root: str | None, registration: str | None) -> list[tuple[str, str, str]]:
    """What each digest is called, what it is, and what it was published as."""
    pairs = (("root", str(found.root), root), ("registration", found.registration, registration))
    return [(what, own, published) for what, own, published in pairs if published is not None]
