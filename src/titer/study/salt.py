"""The secret of a study: ids of rows and texts leave its folder only as digests that nobody without it can guess."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from pathlib import Path

from titer.boundary import read_text
from titer.errors import DamagedError
from titer.study.atomic_files import no_link, write_text
from titer.study.folder import PUT_BACK
from titer.study.store_place import PACKED_STORE

SALT = "salt"
"""The file in the folder of a study; it is never packed."""
_BYTES = 32
_DIGITS = 12  # hexadecimal: 48 bits, which a float64 holds exactly
_ONE = float(16**_DIGITS)


@dataclass(frozen=True)
class Salt:
    """Digests under the secret of a study; `secret` is None in one that was unpacked, where all are digests already."""

    secret: bytes | None

    @property
    def commitment(self) -> str:
        """The SHA-256 of the secret, from which it cannot be had."""
        return "" if self.secret is None else hashlib.sha256(self.secret).hexdigest()

    def of_id(self, name: str) -> str:
        """What stands for the id of a row."""
        return name if self.secret is None else self._mac(b"id", name.encode())[:16]

    def of_text(self, text: str) -> str:
        """What stands for a text, equal for equal texts; one in an unpacked study was made anew, and is no other's."""
        return "made anew" if self.secret is None else self._mac(b"text", text.encode())[:16]

    def of_number(self, value: float) -> float:
        """What stands for a number in [0, 1) that was drawn from a text, one in [0, 1) too: equal for equal numbers."""
        if self.secret is None:
            return value
        return int(self._mac(b"number", repr(value).encode())[:_DIGITS], 16) / _ONE

    def of_file(self, content: bytes) -> str:
        """The digest of a file: HMAC-SHA-256 (RFC 2104) under the secret, 64 hexadecimal digits."""
        return self._mac(b"file", content)

    def _mac(self, what: bytes, content: bytes) -> str:
        assert self.secret is not None, "an unpacked study has no files of its own making"
        return hmac.digest(self.secret, what + b"\0" + content, "sha256").hex()


def begin_salt(folder: Path) -> Salt:
    """The secret of a study that begins: one that lies in its folder already, as to repeat a study, or a fresh one.

    Raises:
        DamagedError: if one lies there that is none.
    """
    if (folder / SALT).exists():
        return _read(folder / SALT)
    salt = Salt(secrets.token_bytes(_BYTES))
    write_text(folder / SALT, _text(salt))
    return salt


def _text(salt: Salt) -> str:
    assert salt.secret is not None, "only a salt of its own is kept"
    return salt.secret.hex() + "\n"


def read_salt(folder: Path, commitment: str) -> Salt:
    """The secret of a study.

    Args:
        folder: that of the study.
        commitment: the SHA-256 of the secret.

    Raises:
        DamagedError: if it is not there, though the study was not unpacked, or is not what was written.
    """
    path = folder / SALT
    if not path.exists() and (folder / PACKED_STORE).is_dir():
        return Salt(None)
    salt = _read(path)
    if salt.commitment != commitment:
        raise _damaged(path)
    return salt


def _read(path: Path) -> Salt:
    try:
        text = read_text(no_link(path, path.parent))
        salt = Salt(bytes.fromhex(text))
    except (OSError, ValueError) as error:
        raise _damaged(path) from error
    if len(salt.secret or b"") != _BYTES or text != _text(salt):
        raise _damaged(path)
    return salt


def _damaged(path: Path) -> DamagedError:
    problem = f"{path} is missing or was changed, and without it no file of the study can be checked"
    return DamagedError(f"{problem}. {PUT_BACK}")
