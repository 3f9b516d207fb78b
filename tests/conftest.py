"""What tests share: one finished study of a tiny model."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from cli.command import titer, toml
from tiny_study import tiny_protocol


@pytest.fixture(scope="session")
def tiny_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A protocol file whose model and rows are there."""
    folder = tmp_path_factory.mktemp("tiny")
    path = folder / "tiny.toml"
    path.write_text(toml(tiny_protocol(folder / "inputs")), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def finished_once(tiny_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The study of that protocol, run through the command line. Not to be changed: take `finished` for that."""
    folder = tmp_path_factory.mktemp("finished") / "study"
    ran = titer("run", tiny_file, "--out", folder, "--jobs", 2)
    assert ran.returncode == 0, ran.stderr
    (folder / "ran.txt").write_text(ran.stdout, encoding="utf-8")
    (folder / "said.txt").write_text(ran.stderr, encoding="utf-8")
    return folder


@pytest.fixture
def finished(finished_once: Path, tmp_path: Path) -> Path:
    """A copy of the finished study, to be changed."""
    return shutil.copytree(finished_once, tmp_path / "finished")
