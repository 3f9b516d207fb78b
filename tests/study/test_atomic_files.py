"""What is said when the disk refuses a file."""

from __future__ import annotations

import os
from errno import EACCES, EDQUOT, ENOSPC
from pathlib import Path

import pytest
from safetensors import SafetensorError

from titer.errors import DamagedError, RunError
from titer.study.atomic_files import STALE_SECONDS, TEMPORARY, sweep_stale, write_whole, writing

FULL = "No space left on device (os error 28)"


@pytest.mark.parametrize(
    "error",
    [OSError(ENOSPC, "full"), OSError(EDQUOT, "quota"), SafetensorError(f"I/O error: {FULL}"), Exception(FULL)],
    ids=["system", "quota", "weights", "tokenizer"],
)
def test_a_full_disk_is_said_as_such_whoever_meets_it(error: Exception, tmp_path: Path) -> None:
    def fill(folder: Path) -> None:
        (folder / "half").write_text("half")
        raise error

    with pytest.raises(RunError, match=f"no space left on the disk of {tmp_path / 'folder'}; .* run again"):
        write_whole(tmp_path / "folder", fill)
    assert list(tmp_path.iterdir()) == []


def test_other_errors_of_the_system_name_the_file(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=f"cannot write {tmp_path}: .*refused"), writing(tmp_path):
        raise OSError(EACCES, "refused")


@pytest.mark.parametrize("error", [ValueError("a mistake of ours"), DamagedError("path. Delete it")])
def test_what_the_disk_has_not_done_passes_as_it_is(error: Exception, tmp_path: Path) -> None:
    with pytest.raises(type(error)) as raised, writing(tmp_path):
        raise error
    assert raised.value is error


def test_only_what_was_left_half_written_long_ago_is_swept(tmp_path: Path) -> None:
    names = [f"{TEMPORARY}frozen.json.old", f"{TEMPORARY}verdict.json.new", "verdict.json"]
    for name in names:
        (tmp_path / name).write_text("half")
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / names[0]).write_text("half")
    for path in (tmp_path / names[0], tmp_path / names[2], tmp_path / "store" / names[0]):
        before = path.stat().st_mtime - STALE_SECONDS - 1
        os.utime(path, (before, before))
    sweep_stale(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [names[1], "store", names[2]]
    assert (tmp_path / "store" / names[0]).exists()
