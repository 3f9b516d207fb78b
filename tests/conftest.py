"""What tests share: one finished study of a tiny model, and the command line in this process."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from support.command import Done, Here, titer
from support.studies import write_toml
from support.tiny_study import tiny_protocol


@pytest.fixture(scope="session")
def tiny_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A protocol file whose model and rows are there."""
    folder = tmp_path_factory.mktemp("tiny")
    path = folder / "tiny.toml"
    write_toml(path, tiny_protocol(folder / "inputs"))
    return path


@pytest.fixture(scope="session")
def finished_once(tiny_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The study of that protocol, run through the command line. Not to be changed: take `finished` for that."""
    folder = tmp_path_factory.mktemp("finished") / "study"
    ran = titer("run", tiny_file, "--out", folder, "--jobs", 2)
    assert ran.code == 0, ran.err
    (folder / "ran.txt").write_text(ran.out, encoding="utf-8")
    (folder / "said.txt").write_text(ran.err, encoding="utf-8")
    return folder


@pytest.fixture
def finished(finished_once: Path, tmp_path: Path) -> Path:
    """A copy of the finished study, to be changed."""
    return shutil.copytree(finished_once, tmp_path / "finished")


@pytest.fixture
def here(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Here:
    """One command in this process, where the libraries are loaded already; `titer` starts a process of its own."""
    from titer.cli import command

    monkeypatch.setenv("COLUMNS", "80")

    def run(*arguments: object) -> Done:
        capsys.readouterr()
        code = command([str(argument) for argument in arguments])
        said = capsys.readouterr()
        return Done(code, said.out, said.err)

    return run
