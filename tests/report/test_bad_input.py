"""What cannot be reported on is refused in one message with place and remedy, and nothing is lost or half-written."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from support import ROOT
from support.command import Done, Here
from support.studies import begin

from titer.execution.worker import work
from titer.planning.plan import Planner
from titer.report.formats import FORMATS

RESULTS = ROOT / "docs" / "results"
MARGIN = RESULTS / "margin"
READING = ("report", "verdict", "verify", "compare")
"""Every command that reads a finished study."""


def read(here: Here, command: str, study: Path, *more: str) -> Done:
    """One command on a study; a comparison is with one that is whole."""
    return here(command, *((MARGIN,) if command == "compare" else ()), study, *more)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def assert_refused(done: Done, place: Path | str, *parts: str) -> None:
    """One message, of what was given: nothing on stdout, no traceback, exit code 2."""
    assert (done.code, done.out) == (2, ""), done
    said = done.err.splitlines()[-1]
    assert said.startswith(f"titer: {place}: ")
    assert "Traceback" not in done.err
    for part in parts:
        assert part in said


# ------------------------------------------------------------------------------------------------ not finished
@pytest.fixture(scope="module")
def unfinished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study of which one cell was done."""
    study = begin(tmp_path_factory.mktemp("unfinished"))
    planner = Planner(study)
    planner.keep()
    work(planner.plan().tasks[0], study.store)
    return study.folder


@pytest.mark.model
@pytest.mark.parametrize(
    "arguments",
    [
        *(("report", "--format", name) for name in FORMATS),
        ("report", "--lang", "zh"),
        ("report", "--map", "stream"),
        ("verdict", "--json"),
        *((command,) for command in READING),
    ],
    ids=" ".join,
)
def test_an_unfinished_study_says_what_is_missing_and_stays_as_it_is(
    arguments: tuple[str, ...], unfinished: Path, here: Here
) -> None:
    before = contents(unfinished)
    command, *more = arguments
    done = read(here, command, unfinished, *more)
    assert_refused(done, unfinished, "planned runs are missing (", "seed index", f"Finish it: `titer run {unfinished}`")
    assert contents(unfinished) == before


@pytest.mark.model
def test_a_study_that_was_not_run_says_so(tmp_path: Path, here: Here) -> None:
    frozen = begin(tmp_path, name="frozen").folder
    written = tmp_path / "written"
    written.mkdir()
    shutil.copy(frozen / "protocol.toml", written)
    for study in (frozen, written):
        for command in READING:
            done = read(here, command, study)
            assert_refused(done, study, "it has not been run yet", f"Run it: `titer run {study}`")


# ------------------------------------------------------------------------------------------------ no study
@pytest.mark.parametrize("command", READING)
def test_what_is_no_study_is_named(command: str, tmp_path: Path, here: Here) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("mine", encoding="utf-8")
    assert_refused(read(here, command, tmp_path / "none"), tmp_path / "none", "there is no such folder", "`titer init`")
    assert_refused(read(here, command, tmp_path / "empty"), tmp_path / "empty", "holds no study", "`titer init`")
    done = read(here, command, tmp_path / "file")
    assert_refused(done, tmp_path / "file", "this is a file", f"such as '{tmp_path}'")
    assert contents(tmp_path) == {"file": b"mine"}


def test_a_study_folder_is_no_protocol_to_tune(tmp_path: Path, here: Here) -> None:
    done = here("tune", MARGIN, tmp_path / "out")
    assert_refused(done, MARGIN, "this is a folder, and a protocol file is meant", str(MARGIN / "protocol.toml"))
    assert not (tmp_path / "out").exists()


# ------------------------------------------------------------------------------------------------ another format
@pytest.mark.parametrize("command", READING)
def test_a_study_of_a_newer_titer_is_left_to_that(command: str, tmp_path: Path, here: Here) -> None:
    newer = shutil.copytree(MARGIN, tmp_path / "newer")
    root = json.loads((newer / "root.json").read_text(encoding="utf-8"))
    (newer / "root.json").write_text(json.dumps(root | {"format": root["format"] + 1}), encoding="utf-8")
    before = contents(newer)
    done = read(here, command, newer)
    assert_refused(done, newer / "root.json", f"format {root['format'] + 1}", "which reads format")
    assert contents(newer) == before


# ------------------------------------------------------------------------------------------------ damage
def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-500])


def turn(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 255
    path.write_bytes(content)


def empty(path: Path) -> None:
    path.write_bytes(b"")


def other(path: Path) -> None:
    shutil.copy(RESULTS / "demo" / path.name, path)


@pytest.mark.parametrize("name", ["cells.parquet", "scores.parquet", "root.json", "protocol.toml", "verdict.json"])
@pytest.mark.parametrize("damage", [cut, turn, empty, other, Path.unlink])
def test_a_damaged_pack_is_refused_and_written_nowhere(
    name: str, damage: Callable[[Path], None], tmp_path: Path, here: Here
) -> None:
    study = shutil.copytree(MARGIN, tmp_path / "study")
    damage(study / name)
    before = contents(study)
    done = here("report", study, "--format", "json")
    if (name, damage) == ("verdict.json", Path.unlink):
        assert done.code == 0, "the verdict is concluded anew"
        assert (study / name).read_bytes() == (MARGIN / name).read_bytes()
        return
    assert (done.code in (1, 2), done.out) == (True, ""), done
    assert "Traceback" not in done.err
    assert str(study) in done.err
    assert contents(study) == before


# ------------------------------------------------------------------------------------------------ options and places
@pytest.mark.parametrize(
    ("option", "known"), [("--format", "parquet"), ("--lang", "zh"), ("--map", "acceptance-card")], ids=str
)
def test_an_option_that_is_not_known_writes_nothing(option: str, known: str, tmp_path: Path, here: Here) -> None:
    study = shutil.copytree(MARGIN, tmp_path / "study")
    before = contents(study)
    done = here("report", study, "--format", "json", option, "nonsense")
    assert (done.code, done.out) == (2, "")
    for part in (option, "nonsense", known):
        assert part in done.err
    assert contents(study) == before


def test_a_file_where_a_comparison_is_meant_is_kept(tmp_path: Path, here: Here) -> None:
    (tmp_path / "file").write_text("mine", encoding="utf-8")
    done = here("compare", MARGIN, MARGIN, "--out", tmp_path / "file")
    assert_refused(done, tmp_path / "file", "this is a file", "Choose another name")
    assert (tmp_path / "file").read_text(encoding="utf-8") == "mine"


def test_a_report_follows_no_link_out_of_its_folder(tmp_path: Path, here: Here) -> None:
    study = shutil.copytree(MARGIN, tmp_path / "study")
    (tmp_path / "mine").write_text("mine", encoding="utf-8")
    (study / "report.json").symlink_to(tmp_path / "mine")
    done = here("report", study, "--format", "json")
    assert done.code == 0, done.err
    assert (tmp_path / "mine").read_text(encoding="utf-8") == "mine"
    assert json.loads((study / "report.json").read_bytes())["verdict"]["study"] == "organism-margin"


def test_a_folder_whose_name_is_no_text_is_read_and_written_as_any_other(tmp_path: Path, here: Here) -> None:
    try:
        study = shutil.copytree(MARGIN, Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff\n\x1b[31m")))
    except OSError:
        pytest.skip("the file system takes no such name")
    out = tmp_path / "out"
    ends = [read(here, command, study) for command in ("verify", "verdict")]
    ends += [read(here, "compare", study, "--out", str(out)), here("report", study, "--format", "json")]
    assert [done.code for done in ends] == [0, 3, 0, 0], ends
    assert all(done.out.replace("\n", "").isprintable() for done in ends)
    assert ends[-1].out.endswith("/report.json\n")
    assert (study / "report.json").exists()
