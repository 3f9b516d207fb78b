"""Where a store is: in the study folder, or where the command line said; never where a stranger's file points."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from support.command import Here
from support.studies import begin, contents, finish, small_protocol, write_toml

from titer.cli.judging.rejudge import second_opinion
from titer.conclude import pack
from titer.errors import InputError
from titer.planning.freeze import open_study
from titer.protocol.loading import parse
from titer.run import run
from titer.study.atomic_files import write_text
from titer.study.folder import Study, read_study
from titer.study.store import Store
from titer.study.store_mark import MARK
from titer.study.store_place import REMEMBERED


def snapshot(folder: Path) -> dict[str, tuple[bytes | str, int]]:
    """Every file and link below a folder, hidden ones too, with its content or target and its time."""
    found: dict[str, tuple[bytes | str, int]] = {}
    for path in sorted(folder.rglob("*")):
        if path.is_symlink():
            found[str(path)] = (os.readlink(path), path.lstat().st_mtime_ns)
        elif path.is_file():
            found[str(path)] = (path.read_bytes(), path.stat().st_mtime_ns)
    return found


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished study in `study` with its store in `shared`; no test may change it."""
    folder = tmp_path_factory.mktemp("once")
    finish(begin(folder, store=folder / "shared"))
    return folder


@pytest.fixture
def study(once: Path, tmp_path: Path) -> Study:
    """A copy of it, to be changed."""
    for name in ("study", "shared"):
        shutil.copytree(once / name, tmp_path / name)
    (tmp_path / "study" / REMEMBERED).write_text(f"{tmp_path / 'shared'}\n")
    return read_study(tmp_path / "study")


# ------------------------------------------------------------------------------------------------ in the protocol
OUTSIDE = (
    "..",
    "/",
    ".",
    "",
    "./store",
    "store/../../x",
    "/tmp/store",
    "a//b",
    "~",
    ".git",
    "a/.git/b",
    "a b",
    "a" * 65,
)


@pytest.mark.parametrize("store", OUTSIDE)
def test_a_protocol_names_no_folder_outside_its_study(store: str, tmp_path: Path, here: Here) -> None:
    data = small_protocol(tmp_path / "in")
    data["study"]["store"] = store
    with pytest.raises(InputError, match=r"study\.store: .*names no folder inside.*--store /absolute/path"):
        parse(data)
    write_toml(tmp_path / "protocol.toml", data)
    before = snapshot(tmp_path)
    done = here("run", tmp_path / "protocol.toml", "--out", tmp_path / "new")
    assert (done.code, done.out) == (2, "")
    assert snapshot(tmp_path) == before
    assert not (tmp_path / "new").exists()


def file(path: Path, elsewhere: Path) -> None:
    path.write_text("mine")


def link(path: Path, elsewhere: Path) -> None:
    path.symlink_to(elsewhere)


def link_to_nothing(path: Path, elsewhere: Path) -> None:
    path.symlink_to(elsewhere / "nothing")


def link_on_the_way(path: Path, elsewhere: Path) -> None:
    path.parent.rmdir()
    path.parent.symlink_to(elsewhere)


def link_in_it(path: Path, elsewhere: Path) -> None:
    Store(path).claim()
    (path / "cells").symlink_to(elsewhere)


@pytest.mark.parametrize("made", [file, link, link_to_nothing, link_on_the_way, link_in_it])
def test_a_file_or_a_link_in_the_place_of_a_store_is_refused(made: Any, tmp_path: Path, here: Here) -> None:
    data = small_protocol(tmp_path / "in")
    data["study"]["store"] = "deep/store"
    write_toml(tmp_path / "study" / "protocol.toml", data)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "study" / "deep").mkdir()
    made(tmp_path / "study" / "deep" / "store", tmp_path / "elsewhere")
    before = snapshot(tmp_path)
    for command in ("plan", "run"):
        done = here(command, tmp_path / "study")
        assert (done.code, done.out) == (2, ""), done.err
        assert "link" in done.err
    assert snapshot(tmp_path) == before
    assert list((tmp_path / "elsewhere").iterdir()) == []


# ------------------------------------------------------------------------------------------------ on the command line
def test_a_study_is_read_from_the_store_that_was_named_once(study: Study, tmp_path: Path) -> None:
    assert study.store.root == tmp_path / "shared"
    assert not (study.folder / "store").exists()
    pack(read_study(study.folder), tmp_path / "packed")
    assert (tmp_path / "packed" / "verdict.json").exists()
    assert not (tmp_path / "packed" / REMEMBERED).exists()


def test_a_command_that_writes_is_told_again(study: Study, tmp_path: Path, here: Here) -> None:
    """A file that came with a stranger's study may name any store of ours."""
    before = snapshot(tmp_path)
    for command in (("plan",), ("run",), ("judge", "--judge", "refusal_removal"), ("attack",), ("immunize",)):
        arguments = [command[0], study.folder, *command[1:], *([tmp_path / "out"] if command[0] == "immunize" else [])]
        done = here(*arguments)
        assert (done.code, done.out) == (2, ""), done.err
        assert f"Say --store {tmp_path / 'shared'} if titer is to write there" in done.err
    assert snapshot(tmp_path) == before
    assert open_study(study.folder, tmp_path / "shared").store.root == tmp_path / "shared"
    second_opinion(study.folder, "refusal_removal", True, tmp_path / "shared")
    assert not (study.folder / "store").exists()


def test_what_is_named_is_an_absolute_path_of_a_store(tmp_path: Path) -> None:
    write_toml(tmp_path / "study" / "protocol.toml", small_protocol(tmp_path / "in"))
    (tmp_path / "shared").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "shared")
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "thesis.tex").write_text("years of work")
    before = snapshot(tmp_path)
    for given, problem in {
        Path("shared"): "--store: shared is not an absolute path",
        tmp_path / "link": "is a link. Name the folder itself",
        tmp_path / "thesis" / "thesis.tex": "is a file or a link",
        tmp_path / "thesis": "is no store of titer, and is not empty",
    }.items():
        with pytest.raises(InputError, match=problem):
            open_study(tmp_path / "study", given)
    assert snapshot(tmp_path) == before


def test_a_study_keeps_its_store(study: Study, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="has its store in .*shared already"):
        open_study(study.folder, tmp_path / "other")
    own = begin(tmp_path, name="own")
    with pytest.raises(InputError, match="has its store in .*own/store already"):
        open_study(own.folder, tmp_path / "shared")
    assert not (tmp_path / "other").exists()
    assert not (own.folder / REMEMBERED).exists()


def test_a_store_that_was_moved_is_named_anew(study: Study, tmp_path: Path) -> None:
    (tmp_path / "shared").rename(tmp_path / "moved")
    with pytest.raises(InputError, match=r"store\.path: it names .*shared, which is no store of titer"):
        read_study(study.folder)
    again = open_study(study.folder, tmp_path / "moved")
    assert again.store.root == tmp_path / "moved"
    assert list(run(again))[-1].unfinished == 0
    assert read_study(study.folder).store.root == tmp_path / "moved"


@pytest.mark.parametrize("content", ["", "shared", "/a\n/b\n", "/a\x1b[2J\n"])
def test_a_file_that_names_no_absolute_path_is_told(content: str, study: Study) -> None:
    (study.folder / REMEMBERED).write_text(content)
    with pytest.raises(InputError, match="it does not hold one absolute path"):
        read_study(study.folder)


def test_a_store_of_another_format_is_told_to_who_reads_it(study: Study, here: Here) -> None:
    write_text(study.store.root / MARK, '{"format":2,"titer":"9.1.0"}\n')
    done = here("verdict", study.folder)
    assert (done.code, done.out) == (2, "")
    assert "made by titer 9.1.0 in format 2; this is titer" in done.err
    assert "Delete" not in done.err


# ------------------------------------------------------------------------------------------------ links
def test_nothing_is_written_behind_a_link(study: Study, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    cell = study.read_cells()[0]
    dose = cell.doses[0]
    facts, answers = study.store.read_answers(cell.key, dose)
    links = [study.store.answers(cell.key, dose).parent, study.store.root / "failed", study.store.runs]
    for path in links:
        path.rename(path.with_name("aside")) if path.exists() else None
        path.symlink_to(elsewhere / "file" if path == study.store.runs else elsewhere)
    with pytest.raises(InputError, match=f"{links[0]}: this is a link"):
        study.store.write_answers(cell.key, facts, answers)
    with pytest.raises(InputError, match=f"{links[1]}: this is a link"):
        study.store.write_failure("key", "reason")
    with pytest.raises(InputError, match=r"runs\.jsonl: this is a link"):
        study.store.log_run({"task": "judge"})
    assert list(elsewhere.iterdir()) == []


def test_a_link_in_the_place_of_a_file_is_replaced_not_followed(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    (tmp_path / "verdict.json").symlink_to(tmp_path / "mine")
    write_text(tmp_path / "verdict.json", "{}")
    assert not (tmp_path / "verdict.json").is_symlink()
    assert (tmp_path / "mine").read_text() == "mine"


def test_a_subject_with_a_link_in_it_is_not_taken(tmp_path: Path) -> None:
    (tmp_path / "private").mkdir()
    store = Store(tmp_path / "store")
    store.write_folder(store.subject("key"), lambda folder: write_text(folder / "weights", "w"))
    (store.subject("key") / "more").symlink_to(tmp_path / "private")
    with pytest.raises(InputError, match="more: this is a link"):
        store.read_subject("key")


# ------------------------------------------------------------------------------------------------ a repository
def git(folder: Path, *arguments: str) -> str:
    own = ("-c", "user.name=titer", "-c", "user.email=titer@example.org", "-c", "gc.auto=0")
    return subprocess.run(["git", *own, *arguments], cwd=folder, check=True, capture_output=True, text=True).stdout


def test_no_byte_of_a_repository_around_or_in_a_store_changes_in_twenty_runs(tmp_path: Path) -> None:
    """Hidden files as people have them, a repository around the study and one in its store; names much like ours."""
    study = begin(tmp_path, lambda data: data["study"].update(seeds={"attack": 1}))
    names = (".gitignore", ".env", "notes.md", "study/.direnv", "study/store/.gitattributes")
    mine = [tmp_path / name for name in names]
    mine += [study.store.root / folder / ".titer-notes" for folder in ("data", "cells", "cells/key", "subjects")]
    for path in mine:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"mine: {path}")
    repositories = (tmp_path, study.store.root)
    for repository in repositories:
        own = [str(path) for path in mine if path.parent.is_relative_to(repository)]
        git(repository, "init", "--quiet")
        git(repository, "add", "--force", "--", *own)
        git(repository, "commit", "--quiet", "--message", "mine")
    kept = [*mine, *(path for one in repositories for path in (one / ".git").rglob("*") if path.is_file())]
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in kept}
    finish(study)
    for _ in range(20):
        assert list(run(study))[-1].unfinished == 0
        study.store.sweep()
    assert {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in kept} == before
    for repository in repositories:
        assert git(repository, "fsck", "--full", "--strict") == ""
    assert contents(study.store.root, ".git") == {
        str(path.relative_to(study.store.root)): content
        for path, (content, _) in before.items()
        if path.is_relative_to(study.store.root / ".git")
    }
