"""The signature of a study: its root line, signed with an SSH key by OpenSSH's own `ssh-keygen` (format SSHSIG).

The line is the same in the study and in its packs, so one signature holds for all of them.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
from pathlib import Path

from titer.errors import DamagedError, InputError, RunError
from titer.study.atomic_files import no_link, write_text
from titer.study.regular_files import read_bytes
from titer.study.root import Root

SIGNATURE = "root.sig"
NAMESPACE = "titer"
"""What the signature is for: one that was made for anything else does not hold (ssh-keygen(1), `-n`)."""
SIGNER = "signer"
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


def check_armor(folder: Path) -> None:
    """See that what lies in the place of a signature is one, whatever it signs: nothing else leaves with a pack.

    Raises:
        InputError: if it is something else.
    """
    path = no_link(folder / SIGNATURE, folder)
    if path.exists() and not ARMOR.fullmatch(read_bytes(path)):
        raise InputError(str(path), "this is no SSH signature", "Delete it; `titer verify --sign` makes one.")


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
    if not signature.is_file():
        raise InputError(str(signature), "the study is not signed", "`titer verify STUDY --sign KEY` signs it.")
    try:
        public = " ".join(key.read_text(encoding="utf-8").split()[:2])
    except (OSError, UnicodeDecodeError) as error:
        raise InputError("--signer", f"{key} cannot be read", "Name a public SSH key, as in KEY.pub.") from error
    with tempfile.TemporaryDirectory() as place:
        allowed = Path(place) / "allowed"
        allowed.write_text(f'{SIGNER} namespaces="{NAMESPACE}" {public}\n', encoding="utf-8")
        how = ("-f", str(allowed), "-I", SIGNER, "-n", NAMESPACE, "-s", str(signature))
        done = _ssh_keygen("-Y", "verify", *how, said=root.line + "\n")
    if done.returncode:
        raise DamagedError(f"{signature} does not hold for '{root.line}' and the key {key}: {_first_line(done)}")


def _ssh_keygen(*arguments: str, said: str = "") -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(["ssh-keygen", *arguments], input=said, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise RunError("ssh-keygen is not on the PATH. Install OpenSSH 8.1 or later") from error


def _first_line(done: subprocess.CompletedProcess[str]) -> str:
    return (done.stderr.strip() or done.stdout.strip() or f"exit code {done.returncode}").splitlines()[0]
