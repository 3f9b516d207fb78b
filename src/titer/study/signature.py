"""The signature of a study: its root line, signed with an SSH key by OpenSSH's own `ssh-keygen` (format SSHSIG).

The line is the same in the study and in its packs, so one signature holds for all of them.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from titer.boundary import read_bytes
from titer.errors import DamagedError, InputError, RunError
from titer.study.atomic_files import no_link, write_text
from titer.study.root import Root

SIGNATURE = "root.sig"
NAMESPACE = "titer"
"""What the signature is for: one that was made for anything else does not hold (ssh-keygen(1), `-n`)."""
SIGNER = "signer"
MAGIC = b"SSHSIG"
ARMOR = re.compile(rb"-----BEGIN SSH SIGNATURE-----\n[A-Za-z0-9+/=\n]{1,8192}-----END SSH SIGNATURE-----\n")


def sign(folder: Path, root: Root, key: Path) -> Path:
    """Sign the root line of a study; the file of the signature.

    Args:
        folder: that of the study, or of a pack.
        root: its digests.
        key: a private SSH key, or a public one whose private key an agent holds.

    Raises:
        InputError: if there is no such key, or it cannot sign.
        RunError: if `ssh-keygen` is not there.
    """
    if not key.is_file():
        raise InputError("--sign", f"there is no key {key}", "Name an SSH key: `ssh-keygen -t ed25519` makes one.")
    with tempfile.TemporaryDirectory() as place:
        line = Path(place) / "line"
        line.write_text(root.line + "\n", encoding="utf-8")
        done = _ssh_keygen("-Y", "sign", "-q", "-f", str(key), "-n", NAMESPACE, str(line))
        made = line.with_suffix(".sig")
        if done.returncode or not made.exists():
            raise InputError("--sign", f"{key} cannot sign: {_first_line(done)}", "Name a private SSH key.")
        write_text(folder / SIGNATURE, made.read_text(encoding="utf-8"))
    return folder / SIGNATURE


@dataclass(frozen=True)
class Signature:
    """What a signature says of itself: the kind of the key, its SHA-256 as ssh-keygen prints it, and what it is for."""

    kind: str
    fingerprint: str
    namespace: str

    def __str__(self) -> str:
        return f"{self.kind} key {self.fingerprint} in the namespace '{self.namespace}'"


def check_armor(folder: Path) -> None:
    """See that what lies in the place of a signature is one, whatever it signs: nothing else leaves with a pack.

    Raises:
        InputError: if it is something else.
    """
    if os.path.lexists(folder / SIGNATURE):
        _read(folder)


def signature_of(folder: Path, root: Root) -> Signature | None:
    """Who signed a study, by what the signature says of itself; None where there is none.

    Args:
        folder: that of the study, or of a pack.
        root: its digests.

    Raises:
        InputError: if something else lies in its place.
        DamagedError: if it is none of the root line by that key.
        RunError: if `ssh-keygen` is not there.
    """
    if not os.path.lexists(folder / SIGNATURE):
        return None
    content = _read(folder)
    found = _told(folder / SIGNATURE, content)
    done = _verify(root, content, "check-novalidate", "-n", found.namespace)
    if done.returncode:
        raise DamagedError(f"{folder / SIGNATURE} does not hold for '{root.line}': {_first_line(done)}")
    return found


def check_signature(folder: Path, root: Root, key: Path) -> None:
    """Check that the root line of a study was signed with a key.

    Args:
        folder: that of the study, or of a pack.
        root: its digests.
        key: the public SSH key of whom one trusts.

    Raises:
        InputError: if there is no signature, or no such key.
        DamagedError: if the signature is not one of this line by this key.
        RunError: if `ssh-keygen` is not there.
    """
    signature = folder / SIGNATURE
    if not os.path.lexists(signature):
        raise InputError(str(signature), "the study is not signed", "`titer verify STUDY --sign KEY` signs it.")
    try:
        public = " ".join(key.read_text(encoding="utf-8").split()[:2])
    except (OSError, UnicodeDecodeError) as error:
        raise InputError("--signer", f"{key} cannot be read", "Name a public SSH key, as in KEY.pub.") from error
    with tempfile.TemporaryDirectory() as place:
        allowed = Path(place) / "allowed"
        allowed.write_text(f'{SIGNER} namespaces="{NAMESPACE}" {public}\n', encoding="utf-8")
        how = ("-f", str(allowed), "-I", SIGNER, "-n", NAMESPACE)
        done = _verify(root, _read(folder), "verify", *how)
    if done.returncode:
        raise DamagedError(f"{signature} does not hold for '{root.line}' and the key {key}: {_first_line(done)}")


def _read(folder: Path) -> bytes:
    path = no_link(folder / SIGNATURE, folder)
    content = read_bytes(path)
    if not ARMOR.fullmatch(content):
        raise InputError(str(path), "this is no SSH signature", "Delete it; `titer verify --sign` makes one.")
    return content


def _told(path: Path, content: bytes) -> Signature:
    """The fields of an SSHSIG (PROTOCOL.sshsig of OpenSSH): magic, version, public key, namespace, and what follows."""
    try:
        blob = base64.b64decode(b"".join(content.splitlines()[1:-1]), validate=True)
        key, rest = _field(blob.removeprefix(MAGIC)[4:])
        namespace, _ = _field(rest)
        kind = _field(key)[0].decode("ascii")
        printed = base64.b64encode(hashlib.sha256(key).digest()).rstrip(b"=").decode()
        return Signature(kind=kind, fingerprint=f"SHA256:{printed}", namespace=namespace.decode())
    except ValueError as error:
        raise DamagedError(f"{path} is damaged: its fields cannot be read. Delete it, or get it again") from error


def _field(blob: bytes) -> tuple[bytes, bytes]:
    """The first string of an SSH message, and what follows it."""
    size = int.from_bytes(blob[:4], "big")
    if len(blob) < 4 + size:
        raise ValueError("a field is longer than all that is there")
    return blob[4 : 4 + size], blob[4 + size :]


def _verify(root: Root, signature: bytes, how: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Let `ssh-keygen` check a signature of the root line, as it was read: the file itself may be another by now."""
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / SIGNATURE
        path.write_bytes(signature)
        return _ssh_keygen("-Y", how, *arguments, "-s", str(path), said=root.line + "\n")


def _ssh_keygen(*arguments: str, said: str = "") -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            ["ssh-keygen", *arguments], input=said, capture_output=True, encoding="utf-8", errors="replace", check=False
        )
    except FileNotFoundError as error:
        raise RunError("ssh-keygen is not on the PATH. Install OpenSSH 8.1 or later") from error


def _first_line(done: subprocess.CompletedProcess[str]) -> str:
    return (done.stderr.strip() or done.stdout.strip() or f"exit code {done.returncode}").splitlines()[0]
