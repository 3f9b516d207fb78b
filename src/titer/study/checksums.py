"""The bytes of a packed study, listed in SHA256SUMS as `sha256sum -c SHA256SUMS` reads it.

The root digest binds what the tables say. Their bytes are bound here: they depend on the library that wrote them.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from titer.errors import DamagedError
from titer.study.atomic_files import no_link, write_text
from titer.study.folder import CELLS, PROTOCOL, SCORES
from titer.study.regular_files import read_bytes
from titer.study.root import ROOT

SUMS = "SHA256SUMS"
ANEW = "Fetch the pack again, or pack its study anew"
LISTED = (CELLS, PROTOCOL, ROOT, SCORES)
"""What a packed study is read from; its report is compared with what is reported anew."""


def write_sums(folder: Path) -> None:
    """List the files of a packed study."""
    write_text(folder / SUMS, _sums(folder))


def check_sums(folder: Path) -> None:
    """Compare the files of a packed study with the list.

    Raises:
        InputError: if one is a link.
        DamagedError: naming the file that is not what was packed.
    """
    path = no_link(folder / SUMS, folder)
    known = read_bytes(path).decode(errors="replace").splitlines() if path.exists() else []
    found = _sums(folder).splitlines()
    for name, line in zip(LISTED, found, strict=True):
        if line not in known:
            raise DamagedError(
                f"{folder / name} is not what {path} lists: one of them is missing or was changed. {ANEW}"
            )
    if known != found:
        raise DamagedError(f"{path} was changed since the study was packed. {ANEW}")


def _sums(folder: Path) -> str:
    lines = []
    for name in LISTED:
        path = no_link(folder / name, folder)
        content = read_bytes(path) if path.exists() else b""
        lines.append(f"{hashlib.sha256(content).hexdigest()}  {name}\n")
    return "".join(lines)
