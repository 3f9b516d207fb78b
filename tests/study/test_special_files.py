"""A pipe, socket, device, folder or link in the place of any file of a study or a pack is refused by name, at once."""

from __future__ import annotations

import io
import os
import shutil
import socket
import stat
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

from titer.boundary import check_regular, read_bytes
from titer.cli import command
from titer.conclude import pack, report
from titer.errors import InputError
from titer.study.folder import read_study
from titer.study.locks import locked
from titer.study.store import Store
from titer.study.unpacking import read_packed
from titer.viewer.catalog import entries

pytestmark = [pytest.mark.model, pytest.mark.timeout(120)]


def fifo(path: Path) -> None:
    os.mkfifo(path)


def bound_socket(path: Path) -> None:
    """Bound by a short relative name: the path of a test is longer than a socket's may be."""
    before = Path.cwd()
    os.chdir(path.parent)
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(path.name)
    os.chdir(before)


def directory(path: Path) -> None:
    path.mkdir()


def link(path: Path) -> None:
    path.symlink_to("/dev/zero")


def device(path: Path) -> None:
    """Like /dev/zero, which never ends."""
    try:
        os.mknod(path, stat.S_IFCHR | 0o600, os.makedev(1, 5))
    except PermissionError:
        pytest.skip("no device can be made here")


SPECIAL = [fifo, bound_socket, directory, link, device]
OWN = (
    "protocol.toml",
    "frozen.json",
    "root.json",
    "salt",
    "tasks.jsonl",
    "standing.jsonl",
    "store.path",
    "verdict.json",
)
STORED = ("titer-store.json", "data/*", "cells/*/*", "scores/*/*", "subjects/*/titer.json", "subjects/*/*.safetensors")
REPORTED = ("report.html", "report.md", "ledger.md", "report.json", "harm.svg")
PACKED = ("protocol.toml", "root.json", "SHA256SUMS", "cells.parquet", "scores.parquet", "verdict.json", "report.md")


@pytest.fixture(scope="module")
def whole(small_once: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished study with its report, and its pack beside it."""
    home = tmp_path_factory.mktemp("special")
    study = shutil.copytree(small_once / "study", home / "study")
    from titer.conclude import conclude

    report(conclude(read_study(study)))
    pack(read_study(study), home / "pack")
    return home


def said_of(*arguments: str) -> tuple[int, str]:
    heard = io.StringIO()
    with redirect_stdout(heard), redirect_stderr(heard):
        code = command(list(arguments))
    return code, heard.getvalue()


def replaced(folder: Path, pattern: str, make: Callable[[Path], None]) -> Path:
    path = next(iter(sorted(folder.glob(pattern))), folder / pattern)
    path.unlink(missing_ok=True)
    make(path)
    return path


@pytest.mark.parametrize("make", SPECIAL)
@pytest.mark.parametrize("pattern", [*OWN, *(f"store/{name}" for name in STORED), *REPORTED, "root.sig"])
def test_verify_refuses_it_in_a_study(whole: Path, tmp_path: Path, pattern: str, make: Callable[[Path], None]) -> None:
    folder = shutil.copytree(whole / "study", tmp_path / "study")
    path = replaced(folder, pattern, make)
    code, said = said_of("verify", str(folder))
    assert code == (1 if pattern.endswith(".safetensors") and make is directory else 2), said
    assert said.count("\n") == 1
    assert str(path.parent) in said
    assert path.name in said
    assert [entry.place for entry in entries(tmp_path)] == ["study"] or pattern == "protocol.toml"


@pytest.mark.parametrize("make", SPECIAL)
@pytest.mark.parametrize("pattern", PACKED)
def test_verify_refuses_it_in_a_pack(whole: Path, tmp_path: Path, pattern: str, make: Callable[[Path], None]) -> None:
    folder = shutil.copytree(whole / "pack", tmp_path / "pack")
    path = replaced(folder, pattern, make)
    code, said = said_of("verify", str(folder))
    assert (code, said.count("\n")) == (2, 1), said
    assert str(path.parent) in said
    assert path.name in said
    assert len(entries(tmp_path)) == 1 or pattern == "protocol.toml"


@pytest.mark.parametrize("make", SPECIAL)
def test_nothing_is_written_into_it(whole: Path, tmp_path: Path, make: Callable[[Path], None]) -> None:
    folder = shutil.copytree(whole / "study", tmp_path / "study")
    replaced(folder, ".lock", make)
    with pytest.raises(InputError, match=r"\.lock: this is a"), locked(folder):
        raise AssertionError("it was locked")
    replaced(folder / "store", "runs.jsonl", make)
    with pytest.raises(InputError, match=r"runs\.jsonl: this is a"):
        Store(folder / "store").log_run({})


@pytest.mark.parametrize("make", SPECIAL)
def test_no_other_library_opens_it(tmp_path: Path, make: Callable[[Path], None]) -> None:
    check_regular(tmp_path / "none")
    (tmp_path / "file").write_bytes(b"content")
    check_regular(tmp_path / "file")
    assert read_bytes(tmp_path / "file") == b"content"
    make(tmp_path / "it")
    with pytest.raises(InputError, match=r"it: this is a .*an ordinary file is expected"):
        check_regular(tmp_path / "it")


def test_a_whole_pack_is_read(whole: Path) -> None:
    assert read_packed(whole / "pack").scores
