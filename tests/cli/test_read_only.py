"""A finished study on a medium that cannot be written: whoever only reads can read it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.command import Here

pytestmark = pytest.mark.model


@pytest.fixture
def read_only(finished: Path, tmp_path: Path) -> Iterator[Path]:
    """The finished study under another name, at which nothing can be written."""
    folder = tmp_path / "read-only"
    folder.mkdir()
    for how in (["--bind", str(finished), str(folder)], ["-o", "remount,ro,bind", str(folder)]):
        if subprocess.run(["mount", *how], capture_output=True, check=False).returncode != 0:
            subprocess.run(["umount", str(folder)], capture_output=True, check=False)
            pytest.skip("only root can mount a folder")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_its_verdict_is_printed_and_its_digests_compared(read_only: Path, here: Here, tmp_path: Path) -> None:
    done = here("verdict", read_only)
    assert done.code == 3
    assert "verdict" in done.out
    assert f"{read_only} cannot be written: the verdict is not kept there" in done.err
    assert here("verify", read_only).out.startswith("titer root ")
    assert here("pack", read_only, tmp_path / "pack").code == 0


def test_what_would_write_says_so(read_only: Path, here: Here) -> None:
    for command in ("report", "run"):
        done = here(command, read_only)
        assert done.code == 1
        assert f"cannot write {read_only}" in done.err
        assert "Traceback" not in done.err
