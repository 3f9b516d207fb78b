"""A study folder: one run at a time, one protocol, and nothing that can be mistaken for a finished study."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.studies import begin, finish, small_protocol, write_toml

from titer.errors import BusyError, DamagedError, InputError, UnfinishedError
from titer.planning.freeze import open_study
from titer.planning.plan import plan
from titer.study.folder import Study, locate, read_study
from titer.study.store_place import store_of
from titer.study.tasks import RunStatus


@pytest.fixture
def study(tmp_path: Path) -> Study:
    return begin(tmp_path)


def test_a_study_is_run_by_one_process_at_a_time(study: Study) -> None:
    with study.locked():
        with pytest.raises(BusyError, match="is being run by another process"), read_study(study.folder).locked():
            pass
        other = subprocess.run(
            [
                sys.executable,
                "-c",
                "import sys; from pathlib import Path; from titer.study.folder import read_study\n"
                "with read_study(Path(sys.argv[1])).locked(): pass",
                str(study.folder),
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        assert other.returncode == 1
        assert "BusyError" in other.stderr
    with study.locked():
        pass


def test_what_plan_asked_for_is_kept(study: Study) -> None:
    current = plan(study)
    status = RunStatus(finished=False, replaced=("index 0: diverged at step 1",))
    study.keep_plan(current.cells, status)
    again = read_study(study.folder)
    assert again.read_cells() == current.cells
    assert again.read_status() == status
    before = study.tasks_file.stat().st_mtime_ns
    study.keep_plan(current.cells, status)
    assert study.tasks_file.stat().st_mtime_ns == before


def test_a_study_that_was_never_run_says_so(study: Study, tmp_path: Path) -> None:
    with pytest.raises(UnfinishedError, match="has not been run yet, or .* could not be made. Run it: `titer run"):
        study.read_cells()
    assert not study.read_status().finished
    write_toml(tmp_path / "other" / "protocol.toml", small_protocol(tmp_path / "in"))
    with pytest.raises(UnfinishedError, match="has not been run yet"):
        read_study(tmp_path / "other")


def test_a_folder_without_a_study_says_so(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"this folder holds no study: it has no protocol\.toml"):
        read_study(tmp_path)
    with pytest.raises(InputError, match="there is no such protocol file"):
        locate(tmp_path / "nowhere.toml")


@pytest.mark.parametrize("name", ["tasks.jsonl", "standing.jsonl"])
def test_a_file_of_the_study_that_was_truncated_is_named_with_the_remedy(study: Study, name: str) -> None:
    study.keep_plan(plan(study).cells, RunStatus(finished=True, replaced=()))
    path = study.folder / name
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(DamagedError, match=f"{path} .*Delete .*run again"):
        _ = (again := read_study(study.folder)).read_cells(), again.read_status()
    path.unlink()
    open_study(study.folder).keep_plan(plan(study).cells, RunStatus(finished=True, replaced=()))
    assert read_study(study.folder).read_cells() == plan(study).cells


def test_what_a_study_began_with_is_not_made_anew(study: Study) -> None:
    study.keep_plan(plan(study).cells, RunStatus(finished=True, replaced=()))
    path = study.folder / "frozen.json"
    before = path.read_bytes()
    for left in (before[:-40], None):
        path.unlink() if left is None else path.write_bytes(left)
        for attempt in (read_study, open_study):
            with pytest.raises(DamagedError, match=f"{path} is .*Put it back from a copy, or start a new study"):
                attempt(study.folder)
    path.write_bytes(before)
    assert read_study(study.folder).read_cells() == plan(study).cells


def change(study: Study, path: str, value: Any) -> None:
    data = small_protocol(study.folder.parent / "in")
    place: Any = data
    *way, last = path.split(".")
    for part in way:
        place = place[int(part)] if isinstance(place, list) else place[part]
    place[last] = value
    write_toml(study.folder / "protocol.toml", data)


def test_a_protocol_that_was_changed_is_told_with_the_key(study: Study) -> None:
    change(study, "harm.threshold", 0.4)
    with pytest.raises(InputError, match="changed after its study had begun: harm.threshold differs") as caught:
        read_study(study.folder)
    assert "study.seeds.first" in str(caught.value)
    with pytest.raises(InputError, match="harm.threshold differs"):
        open_study(study.folder)
    with pytest.raises(InputError, match="harm.threshold differs"):
        locate(study.folder / "protocol.toml", study.folder)


def test_another_name_is_no_change(study: Study) -> None:
    change(study, "study.name", "renamed")
    assert read_study(study.folder).protocol.study.name == "renamed"


def test_the_key_that_is_told_is_never_the_name(study: Study) -> None:
    data = small_protocol(study.folder.parent / "in")
    data["study"]["name"] = "renamed"
    data["task"][0]["max_new_tokens"] = 7
    write_toml(study.folder / "protocol.toml", data)
    with pytest.raises(InputError, match=r"task\.0\.max_new_tokens differs"):
        read_study(study.folder)


def test_a_protocol_file_becomes_a_folder(tmp_path: Path) -> None:
    write_toml(tmp_path / "mine.toml", small_protocol(tmp_path / "in"))
    folder = locate(tmp_path / "mine.toml", tmp_path / "out")
    assert folder == tmp_path / "out"
    assert (folder / "protocol.toml").read_bytes() == (tmp_path / "mine.toml").read_bytes()
    assert locate(folder) == folder
    open_study(folder)
    assert locate(tmp_path / "mine.toml", tmp_path / "out") == folder


def test_the_store_is_where_the_protocol_says_but_for_a_packed_copy(tmp_path: Path) -> None:
    study = begin(tmp_path, lambda data: data["study"].update(store="kept/here"))
    assert store_of(study.folder, study.protocol).root == study.folder / "kept" / "here"
    (study.folder / "packed").mkdir()
    assert store_of(study.folder, study.protocol).root == study.folder / "packed"


def test_a_part_of_a_study_leaves_no_curve_of_a_whole_one(study: Study) -> None:
    from titer.planning.cells import CellBuilder
    from titer.planning.plan import Planner

    curve = next(iter(CellBuilder(study, 0).exposures("resistance", 0, {})))
    finish(study, lambda s: Planner(s, [curve]))
    assert not study.tasks_file.exists()
    assert not study.read_status().finished
