"""Bad input gets one clear message with its place and remedy, the right exit code, and leaves nothing half-written."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import huggingface_hub.constants
import pytest
from support.command import Done, Here
from support.rows import write_jsonl
from support.studies import write_toml
from support.tiny_study import tiny_protocol

Change = Callable[[dict[str, Any]], None]
Write = Callable[[Change], Path]


@pytest.fixture
def write(tiny_file: Path, tmp_path: Path) -> Write:
    """Write the tiny protocol with one change."""

    def written(change: Change) -> Path:
        data = tiny_protocol(tiny_file.parent / "inputs")
        change(data)
        path = tmp_path / "changed.toml"
        write_toml(path, data)
        return path

    return written


def assert_one_message(done: Done, code: int, *parts: str) -> None:
    assert (done.code, done.out) == (code, ""), done
    said = done.err.splitlines()[-1]
    assert said.startswith("titer: ")
    assert "Traceback" not in done.err
    for part in parts:
        assert part in said


def assert_nothing_begun(study: Path) -> None:
    """No file of a study that has begun, and none that is hidden, as temporary ones are."""
    found = {path.name for path in study.rglob("*") if path.is_file()}
    assert not {"frozen.json", "tasks.jsonl", "verdict.json"} & found
    assert not {name for name in found if name.startswith(".") and name != ".lock"}
    assert not list(study.glob("store/cells"))


def set_to(path: str, value: Any) -> Change:
    """Set the value at a dotted path."""

    def change(data: dict[str, Any]) -> None:
        *parents, last = [int(part) if part.isdigit() else part for part in path.split(".")]
        inner: Any = data
        for part in parents:
            inner = inner[part]
        inner[last] = value

    return change


WRONG: dict[str, tuple[Change, tuple[str, ...]]] = {
    "unknown key": (set_to("attacker.budgett", 1), ("attacker.budgett", "unknown key", "Did you mean 'budget'?")),
    "wrong type": (set_to("harm.threshold", "0.5"), ("harm.threshold", 'found "0.5"')),
    "unknown attack": (set_to("attacker.attack.0.name", "dirext"), ("attacker.attack.0", "Did you mean 'direct'?")),
    "unknown defense": (set_to("defense.0.name", "magic"), ("defense.0", "unknown defense 'magic'", "Known: ")),
    "unknown parameter": (set_to("attacker.attack.0.rate", 1), ("attacker.attack.0.rate", "unknown key", "Known here")),
    "unknown judge": (set_to("harm.grading.harm", "jury"), ("harm.grading.harm", "unknown judge 'jury'", "Known: ")),
    "unknown probe": (set_to("harm.probe", "ask"), ("harm.probe", "unknown probe 'ask'", "Known: ")),
    "no such folder": (set_to("subject.model", "/no/model"), ("subject.model", "'/no/model'", "Name a folder")),
    "no such hub id": (set_to("subject.model", "no/model"), ("subject.model", "'no/model'", "hub id")),
    "no such GGUF": (set_to("subject.model", "no/model.gguf"), ("subject.model", "'no/model.gguf'", "Name a folder")),
    "no such adapter": (set_to("subject.base", "/no/base"), ("subject.", "'/no/base'", "Name a folder")),
    "no such rows": (set_to("benign.0.source", "no.jsonl"), ("benign.0.source", "'no.jsonl'", "Correct the path")),
    "missing column": (
        set_to("harm.domain.0.columns", {"prompt": "ask"}),
        ("harm.domain.0.columns.prompt", "no column 'ask'", "Columns here: prompt, response"),
    ),
    "empty split": (set_to("harm.domain.1.splits.attack", 0), ("domain.1.splits.attack", "empty split", "1 or more")),
    "no rows left": (set_to("task.0.where", {"prompt": ["x"]}), ("task.0.where.prompt", "no row has the value")),
    "too few rows": (set_to("harm.domain.0.splits.probe", 900), ("harm.domain.0.splits", "groups", "add rows")),
    "budget no dose": (set_to("attacker.budget.steps", 7), ("attacker.budget.steps", "7 is not a dose", "Add 7")),
    "horizon too low": (set_to("attacker.budget.steps", 32), ("attacker.ladder", "ends at 16", "Add doses")),
    "threshold 0": (set_to("harm.threshold", 0.0), ("harm.threshold", "0 is less than 0.001", "Raise it")),
    "threshold 1": (set_to("harm.threshold", 1.0), ("harm.threshold", "1 is more than 0.999", "Lower it")),
    "too few seeds": (set_to("study.seeds.attack", 3), ("study.seeds.attack", "3 seeds are too few", "Use 5 or more")),
    "too few items": (set_to("harm.domain.0.splits.probe", 4), ("harm.domain.0.splits.probe", "4 items", "or more")),
    "name with a slash": (set_to("study.name", "a/b"), ("study.name", 'found "a/b"')),
    "task that is not there": (set_to("stability.tasks", ["x"]), ("stability.tasks", "no task is named 'x'", "Known")),
    "answer too long": (
        set_to("harm.frame.max_new_tokens", 500),
        ("item ", "do not fit the subject's context of 128", "lower max_new_tokens"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_a_protocol_that_cannot_be_used(
    name: str, write: Write, tmp_path: Path, here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)  # a hub is not asked for 'no/model'
    change, parts = WRONG[name]
    assert_one_message(here("run", write(change), "--out", tmp_path / "s"), 2, *parts)
    assert_nothing_begun(tmp_path / "s")


def test_splits_that_share_rows(write: Write, tiny_file: Path, tmp_path: Path, here: Here) -> None:
    rows = (tiny_file.parent / "inputs" / "red.jsonl").read_text(encoding="utf-8")
    (tmp_path / "same.jsonl").write_text(rows, encoding="utf-8")
    path = write(set_to("harm.domain.1.source", str(tmp_path / "same.jsonl")))
    planned = here("plan", path, "--out", tmp_path / "s")
    assert (planned.code, "Overlap audit: rows in two splits" in planned.out) == (0, True)
    done = here("run", path, "--out", tmp_path / "s")
    assert_one_message(done, 2, "domain/", "these splits share", "take them from sources that differ")
    assert_nothing_begun(tmp_path / "s")


@pytest.mark.parametrize("name", ["prompt", "response"])
def test_a_row_longer_than_the_context(name: str, write: Write, tiny_file: Path, tmp_path: Path, here: Here) -> None:
    lines = (tiny_file.parent / "inputs" / "red.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    for row in rows:
        row[name] += " and" * 60
    write_jsonl(tmp_path / "long.jsonl", rows)
    done = here("run", write(set_to("harm.domain.0.source", str(tmp_path / "long.jsonl"))), "--out", tmp_path / "s")
    assert_one_message(done, 2, "domain/red/", "do not fit the subject's context of 128", "`longest`")
    assert_nothing_begun(tmp_path / "s")


def test_a_tokenizer_without_chat_template(write: Write, tiny_file: Path, tmp_path: Path, here: Here) -> None:
    model = shutil.copytree(tiny_file.parent / "inputs" / "model", tmp_path / "model")
    (model / "chat_template.jinja").unlink()
    done = here("run", write(set_to("subject.model", str(model))), "--out", tmp_path / "s")
    assert_one_message(done, 2, "subject.model", "has no chat template", "add chat_template.jinja")
    assert_nothing_begun(tmp_path / "s")


@pytest.mark.parametrize(
    ("content", "problem"), [(b"[study\nname = 1", "at line 1"), (b"\x7fELF\x00\xff\xfe", "its TOML cannot be read")]
)
def test_a_file_that_is_no_toml(content: bytes, problem: str, tmp_path: Path, here: Here) -> None:
    path = tmp_path / "p.toml"
    path.write_bytes(content)
    assert_one_message(here("plan", path, "--out", tmp_path / "s"), 2, str(path), problem)
    assert not (tmp_path / "s").exists()


@pytest.mark.parametrize("command", ["plan", "run", "verdict", "report", "judge", "immunize", "attack", "pack"])
@pytest.mark.parametrize("what", ["nothing there", "an empty folder", "a folder for a file"])
def test_no_study_there(command: str, what: str, tmp_path: Path, here: Here) -> None:
    study = tmp_path / "study"
    if what != "nothing there":
        study.mkdir()
    if what == "a folder for a file":
        (study / "protocol.toml").mkdir()
    more: dict[str, tuple[object, ...]] = {
        "judge": ("--judge", "refusal_removal"), "immunize": (tmp_path / "out",), "pack": (tmp_path / "out",)
    }  # fmt: skip
    done = here(command, study, *more.get(command, ()))
    runs = command in ("plan", "run", "immunize", "attack")
    problem = "there is no such " if runs or what == "nothing there" else "this folder holds no study"
    assert_one_message(done, 2, str(study), problem, "`titer init`")
    assert not (tmp_path / "out").exists()


def test_rows_from_a_folder(write: Write, tmp_path: Path, here: Here) -> None:
    (tmp_path / "rows.jsonl").mkdir()
    done = here("run", write(set_to("benign.0.source", str(tmp_path / "rows.jsonl"))), "--out", tmp_path / "s")
    assert_one_message(done, 2, "benign.0.source", "rows.jsonl", "Correct the path")


@pytest.mark.parametrize("command", ["init", "immunize", "pack"])
def test_a_file_where_a_folder_is_meant(command: str, finished_once: Path, tmp_path: Path, here: Here) -> None:
    path = tmp_path / "file"
    path.write_text("kept", encoding="utf-8")
    arguments = (path,) if command == "init" else (finished_once, path)
    assert_one_message(here(command, *arguments), 2, str(path), "this is a file")
    assert path.read_text(encoding="utf-8") == "kept"


OPTIONS = {
    "a rate that is none": (("--rate", "nan"), "--rate: nan is no rate of harm"),
    "an endless rate": (("--rate", "-inf"), "--rate: -inf is no rate of harm"),
    "an endless price": (("--price", "1e400"), "--price: inf is no price"),
    "a price beyond money": (("--price", "1e300"), "--price: 1e+300 is no price"),
    "a folder that no file system takes": (("--out", "x" * 300), "no file system takes so long a name"),
}


@pytest.mark.parametrize("name", OPTIONS)
def test_an_option_that_cannot_be(name: str, tiny_file: Path, here: Here) -> None:
    options, problem = OPTIONS[name]
    assert_one_message(here("plan", tiny_file, *options), 2, problem)


@pytest.mark.parametrize(
    "arguments",
    [("plan", "x", "--rate", "a\x1b[31m"), ("plan", "x", "--jobs", "9" * 30), ("pl\x1b[31man",), ("list", "\x1b")],
)
def test_what_the_command_line_cannot_parse_is_said_without_control_characters(
    arguments: tuple[str, ...], here: Here
) -> None:
    done = here(*arguments)
    assert (done.code, done.out) == (2, "")
    assert done.err.replace("\n", "").isprintable()
    assert len(done.err.encode()) < 2_000


JUDGES = {
    "jury": ("unknown judge 'jury'", "Known: "),
    "refusal:{": ("its parameters as JSON cannot be read", "Write it as in"),
    'refusal_removal:{"within": NaN}': ("--judge.within", "nan is no number"),
    'refusal_removal:{"within": 1' + "0" * 5000 + "}": ("its parameters as JSON cannot be read", "Write it as in"),
    'refusal_removal:{"within": 1' + "0" * 500 + "}": ("--judge.within", "a number of about 500 digits is more than"),
    'refusal_removal:{"extra": ["\\ud800"]}': ("--judge.extra.0", "U+D800"),
    "refusal:" + "[" * 9000: ("its parameters as JSON cannot be read", "nested too deeply"),
    'refusal_removal:{"extra": ' + "[" * 90 + "]" * 90 + "}": ("--judge.extra.0", "nested too deeply"),
    "ref\x1b[31musal": ("--judge.name", "U+001B"),
    "x" * 5000: ("--judge.name", "5,000 signs are too many"),
    "refusal:[]": ("its parameters are no JSON object", "Write it as in"),
    'refusal_removal:{"fraze": 1}': ("fraze: unknown key", "Known here"),
    "loss": ("'loss' reads loss, not harm", "`titer list judges`"),
    "refusal": ("'refusal' reads refusal, not harm", "refusal_removal"),
}


@pytest.mark.parametrize("judge", JUDGES)
def test_a_second_judge_that_cannot_be(judge: str, finished_once: Path, here: Here) -> None:
    assert_one_message(here("judge", finished_once, "--judge", judge), 2, "--judge", *JUDGES[judge])


@pytest.mark.parametrize("option", ["--attack", "--domain"])
def test_an_attack_that_is_not_in_the_protocol(option: str, finished_once: Path, here: Here) -> None:
    done = here("attack", finished_once, option, "green")
    assert_one_message(done, 2, option, "green", "Known: direct-", "on red of undefended,")


@pytest.mark.parametrize("command", ["run", "plan", "verdict", "judge"])
def test_a_protocol_changed_after_its_study_had_begun(command: str, finished: Path, here: Here) -> None:
    path = finished / "protocol.toml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace('"threshold" = 0.5', '"threshold" = 0.6'), encoding="utf-8")
    before = (finished / "verdict.json").read_bytes()
    done = here(command, finished, *(("--judge", "refusal_removal") if command == "judge" else ()))
    assert_one_message(done, 2, str(path), "harm.threshold differs", "Change it back")
    assert (finished / "verdict.json").read_bytes() == before


def test_a_changed_protocol_file_of_a_study_that_had_begun(write: Write, finished: Path, here: Here) -> None:
    path = write(set_to("attacker.ladder", [0, 4, 8, 32]))
    assert_one_message(here("run", path, "--out", finished), 2, str(path), "attacker.ladder.3 differs")


@pytest.mark.parametrize("folder", ["cells", "scores"])
@pytest.mark.parametrize("command", ["run", "verdict", "judge"])
def test_a_truncated_file_in_the_store(command: str, folder: str, finished: Path, here: Here) -> None:
    path = sorted(finished.glob(f"store/{folder}/*/4.jsonl"))[0]
    path.write_bytes(path.read_bytes()[:-40])
    done = here(command, finished, *(("--judge", "refusal_removal") if command == "judge" else ()))
    assert_one_message(done, 1, str(path), "truncated or was changed", f"Delete {path} and run again")


def test_the_remedy_for_a_truncated_file_works(finished: Path, finished_once: Path, here: Here) -> None:
    next(finished.glob("store/scores/*/4.jsonl")).unlink()
    assert here("run", finished).code == 0
    assert (finished / "verdict.json").read_bytes() == (finished_once / "verdict.json").read_bytes()


@pytest.fixture
def full_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder on a file system of its own, with next to no space."""
    folder = tmp_path / "full"
    folder.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if made.returncode != 0:
        pytest.skip("only root can mount a small file system")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_no_space_on_the_disk(tiny_file: Path, full_disk: Path, here: Here) -> None:
    done = here("run", tiny_file, "--out", full_disk / "s")
    assert_one_message(done, 1, "no space left on the disk of", str(full_disk), "Free some and run again")
    assert_nothing_begun(full_disk / "s")


def test_no_space_when_a_file_is_written(
    finished: Path, here: Here, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The same where no file system can be mounted, for what commands write besides the store."""

    def fail(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", fail)
    (finished / "verdict.json").unlink()
    assert_one_message(here("verdict", finished), 1, "no space left on the disk of", "Free some and run again")
    assert not (finished / "verdict.json").exists()
    assert not [path for path in finished.iterdir() if path.name.startswith(".v")]


def test_a_loss_that_is_not_finite_is_a_failed_cell(write: Write, tmp_path: Path, here: Here) -> None:
    study = tmp_path / "s"
    path = write(
        set_to("attacker.attack.0", {"name": "direct", "lr": 1e30, "batch": 4, "optimizer": "sgd", "clip": 1e30})
    )
    done = here("attack", path, "--out", study)
    assert done.code == 0
    assert done.out.endswith("The attack failed by its own doing: diverged at step 1.\n")
    assert len(list(study.glob("store/failed/*"))) == 1
    assert json.loads(here("attack", path, "--out", study, "--json").out)["failed"] == "diverged at step 1"
