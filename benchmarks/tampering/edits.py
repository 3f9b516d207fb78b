"""The ways in which a file of a study is changed: by accident, by a swap, or by a forger who makes it look whole."""

from __future__ import annotations

import hashlib
import json
import os
import random
import re
import shutil
import socket
from collections.abc import Callable
from pathlib import Path

from titer.records import canonical

Edit = Callable[[Path, list[Path], random.Random], list[Path]]
"""Changes a file, given others of its kind; the files that are changed, none where that cannot be done to it."""


def flip_a_bit(path: Path, others: list[Path], draw: random.Random) -> list[Path]:
    """One bit anywhere."""
    content = bytearray(path.read_bytes())
    content[draw.randrange(len(content))] ^= 1 << draw.randrange(8)
    path.write_bytes(content)
    return [path]


def truncate(path: Path, others: list[Path], draw: random.Random) -> list[Path]:
    """Its end is missing."""
    content = path.read_bytes()
    path.write_bytes(content[: draw.randrange(1, len(content))])
    return [path]


def empty(path: Path, others: list[Path], draw: random.Random) -> list[Path]:
    """Nothing is left in it."""
    path.write_bytes(b"")
    return [path]


def delete(path: Path, others: list[Path], draw: random.Random) -> list[Path]:
    """It is gone."""
    path.unlink()
    return [path]


def duplicate(path: Path, others: list[Path], draw: random.Random) -> list[Path]:
    """Its content stands in it twice."""
    path.write_bytes(path.read_bytes() * 2)
    return [path]


def swap(path: Path, others: list[Path], draw: random.Random) -> list[Path]:
    """It changes places with another file of its kind, which says something else."""
    different = [other for other in others if other.read_bytes() != path.read_bytes()]
    if not different:
        return []
    other = draw.choice(different)
    mine, theirs = path.read_bytes(), other.read_bytes()
    path.write_bytes(theirs)
    other.write_bytes(mine)
    return [path, other]


def link(path: Path, others: list[Path], draw: random.Random) -> list[Path]:
    """A symbolic link in its place leads to the same content elsewhere."""
    target = path.parent.parent / f"{path.name}.elsewhere"
    shutil.move(path, target)
    path.symlink_to(target)
    return [path]


def rewrite(path: Path, others: list[Path], draw: random.Random) -> list[Path]:
    """Its lines say the contrary, under a header that fits them; or a number of a JSON object is another."""
    text = path.read_text(encoding="utf-8", errors="replace")
    if path.suffix == ".jsonl":
        head, _, body = text.partition("\n")
        changed = _contrary(body)
        lines = changed.count("\n")
        found = {"lines": lines, "sha256": hashlib.sha256(changed.encode()).hexdigest()}
        path.write_text(canonical(json.loads(head) | found) + "\n" + changed, encoding="utf-8")
    else:
        changed = _contrary(text)
        path.write_text(changed, encoding="utf-8")
    assert changed not in (text, text.partition("\n")[2]), f"{path} has nothing to contradict"
    return [path]


def _contrary(text: str) -> str:
    for before, after in (
        ('"value":1.0', '"value":0.0'),
        ('"value":0.0', '"value":1.0'),
        ('"text":"', '"text":"no '),
        ('"finished":true', '"finished":true,"replaced":[]'),
        ('"replaced":[]', '"replaced":["resistance: index 0: forged"]'),
        ('"prompt":"', '"prompt":"another '),
    ):
        if before in text and after not in text:
            return text.replace(before, after)
    digit = re.search(r"[0-9]", text)
    assert digit is not None, "every file of a study has a digit"
    return f"{text[: digit.start()]}{(int(digit[0]) + 1) % 10}{text[digit.end() :]}"


def newer_format(path: Path, others: list[Path], draw: random.Random) -> list[Path]:
    """It was written by a titer of the future."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        return []
    if not isinstance(data, dict) or "format" not in data:
        return []
    path.write_text(canonical(data | {"format": 99, "titer": "99.0", "future": True}), encoding="utf-8")
    return [path]


def in_place(path: Path, others: list[Path], draw: random.Random) -> list[Path]:
    """A pipe, a socket, a folder or a link to a device that never ends is in its place."""
    path.unlink()
    special = draw.choice((os.mkfifo, _bind, Path.mkdir, lambda place: place.symlink_to("/dev/zero")))
    special(path)
    return [path]


def _bind(path: Path) -> None:
    """A socket: bound through the descriptor of its folder, for its own name may be no longer than 107 bytes."""
    folder = os.open(path.parent, os.O_RDONLY)
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(f"/proc/self/fd/{folder}/it")
    os.rename("it", path, src_dir_fd=folder)
    os.close(folder)


EDITS: dict[str, Edit] = {
    "flip a bit": flip_a_bit,
    "truncate": truncate,
    "empty": empty,
    "delete": delete,
    "duplicate": duplicate,
    "swap": swap,
    "link": link,
    "rewrite": rewrite,
    "newer format": newer_format,
    "no file": in_place,
}
