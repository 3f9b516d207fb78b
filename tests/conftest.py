"""What tests share: one finished study of a tiny model, and the command line in this process."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.browser import chromium
from support.command import Done, Here, titer
from support.studies import begin, copied, finish, write_toml
from support.tiny_study import tiny_protocol

from titer.conclude import conclude
from titer.study.folder import Study

if TYPE_CHECKING:
    from playwright.sync_api import Browser
    from xdist.remote import Producer
    from xdist.scheduler import LoadFileScheduling


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadFileScheduling | None:
    """Give a file as a whole to one worker, so that what its tests share is made once."""
    from xdist.scheduler import LoadFileScheduling

    if config.getoption("dist") != "load":
        return None
    config.option.loadscopereorder = False  # the doctests, which are short, stay last and fill the end
    return LoadFileScheduling(config, log)


@pytest.fixture(scope="session")
def common(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that all workers of a test run have in common."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Wait until no other worker makes what is common to all."""
    with (folder / "common.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@pytest.fixture(scope="session")
def tiny_file(common: Path) -> Path:
    """A protocol file whose model and rows are there."""
    path = common / "tiny" / "tiny.toml"
    with alone(common):
        if not path.exists():
            write_toml(path, tiny_protocol(path.parent / "inputs"))
    return path


@pytest.fixture(scope="session")
def finished_once(common: Path, tiny_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The study of that protocol, run through the command line. Not to be changed: take `finished` for that."""
    made = common / "finished"
    with alone(common):
        if not (made / "study" / "said.txt").exists():
            made.mkdir(exist_ok=True)
            ran = titer("run", tiny_file, "--out", "study", "--jobs", 2, cwd=made)
            assert ran.code == 0, ran.err
            (made / "study" / "ran.txt").write_text(ran.out, encoding="utf-8")
            (made / "study" / "said.txt").write_text(ran.err, encoding="utf-8")
    return shutil.copytree(made / "study", tmp_path_factory.mktemp("finished") / "study")


@pytest.fixture
def finished(finished_once: Path, tmp_path: Path) -> Path:
    """A copy of the finished study, to be changed."""
    return shutil.copytree(finished_once, tmp_path / "finished")


@pytest.fixture(scope="session")
def small_once(common: Path) -> Path:
    """The folder of the small study, finished and concluded. Not to be changed: take `done`, or a copy, for that."""
    folder = common / "small"
    with alone(common):
        if not (folder / "study" / "verdict.json").exists():
            study = begin(folder)
            finish(study)
            conclude(study)
    return folder


@pytest.fixture(scope="module")
def done(small_once: Path, tmp_path_factory: pytest.TempPathFactory) -> Study:
    """The small study, finished and concluded; no test may change it."""
    return copied(small_once / "study", tmp_path_factory.mktemp("done") / "study")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium, for the pages of a file of tests."""
    with chromium() as found:
        yield found


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
