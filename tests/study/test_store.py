"""Files of the store are whole or not there, and never other than they were written."""

from __future__ import annotations

import errno
import io
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors import SafetensorError
from support import assays

from titer import __version__
from titer.errors import DamagedError, InputError, RunError
from titer.records import Answer, Item, Score
from titer.study import store_mark
from titer.study.atomic_files import TEMPORARY, read_lines, write_lines, write_text
from titer.study.store import Store
from titer.study.store_mark import MARK

TEXT = 'two\nlines, a separator\u2028another\u2029, \x85 \r\n and 🙂 \\ "'
DECISIONS = (Score(item="a", value=0.1), Score(item="b", value=None, missing="no answer"))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def files(store: Store) -> list[Path]:
    return [path for path in store.root.rglob("*") if path.is_file()]


# ------------------------------------------------------------------------------------------------ round trips
def test_answers_come_back_with_their_facts(store: Store) -> None:
    answers = (Answer(probe="p", item="a", text=TEXT, ended="stop"), Answer(probe="p", item="b", text=""))
    store.write_answers("cell", assays.facts(8), answers)
    assert store.read_answers("cell", 8) == (assays.facts(8), answers)
    assert store.read_facts("cell", 8) == assays.facts(8)


def test_readings_and_failures_come_back(store: Store) -> None:
    store.write_scores("key", 4, DECISIONS)
    assert store.read_scores("key", 4) == DECISIONS
    assert store.read_values("key", 4) == (0.1, None)
    assert store.failure("node") is None
    store.write_failure("node", "diverged at step 12")
    assert store.failure("node") == "diverged at step 12"


@given(st.lists(st.text()))
def test_any_text_survives(tmp_path_factory: pytest.TempPathFactory, texts: list[str]) -> None:
    path = tmp_path_factory.mktemp("any") / "lines.jsonl"
    items = [Item(id="i", group="g", prompt=text) for text in texts]
    write_lines(path, items)
    assert [Item.from_json(line) for line in read_lines(path)] == items


def test_equal_records_are_equal_bytes(store: Store, tmp_path: Path) -> None:
    store.write_scores("key", 4, DECISIONS)
    write_lines(tmp_path / "other", [Score.from_json(score.to_json()) for score in DECISIONS])
    assert store.scores("key", 4).read_bytes() == (tmp_path / "other").read_bytes()


# ------------------------------------------------------------------------------------------------ damage
def damages(content: bytes) -> Iterator[bytes]:
    yield b""
    yield content[:10]
    yield content[:-1]
    yield content[: content.rindex(b"\n", 0, -1) + 1]
    yield content.replace(b"0.1", b"0.9")
    yield content + b"{}\n"
    yield b"\xff" + content


def test_a_file_that_was_changed_is_named_with_the_remedy(store: Store) -> None:
    store.write_scores("key", 4, DECISIONS)
    path = store.scores("key", 4)
    for damaged in damages(path.read_bytes()):
        path.write_bytes(damaged)
        with pytest.raises(DamagedError, match=f"{path}.*Delete .* and run again"):
            store.read_scores("key", 4)


def test_values_that_were_read_before_do_not_hide_a_change(store: Store) -> None:
    store.write_scores("key", 4, DECISIONS)
    assert store.read_values("key", 4) == (0.1, None)
    path = store.scores("key", 4)
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(DamagedError, match="truncated or was changed"):
        store.read_values("key", 4)


def fill(folder: Path) -> None:
    (folder / "config.json").write_text("{}")
    (folder / "weights").write_bytes(bytes(1000))


def test_a_subject_is_whole_or_damaged(tmp_path: Path) -> None:
    for number, (name, change) in enumerate(
        {"weights": b"0" * 999, "config.json": b"{ }", "titer.json": b"{", "new": b""}.items()
    ):
        store = Store(tmp_path / str(number))
        store.write_folder(store.subject("key"), fill)
        assert json.loads((store.subject("key") / "titer.json").read_text()).keys() == {"config.json", "weights"}
        (store.subject("key") / name).write_bytes(change)
        if name == "new":
            (store.subject("key") / "weights").unlink()
        with pytest.raises(DamagedError, match=f"{store.subject('key')}.*Delete"):
            store.read_subject("key")
    store = Store(tmp_path / "whole")
    store.write_folder(store.subject("key"), fill)
    assert store.read_subject("key") == store.subject("key")


# ------------------------------------------------------------------------------------------------ a disk that is full
def full(*_: Any, **__: Any) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


class FullStream(io.StringIO):
    """A file whose disk is full as soon as something is written."""

    def write(self, text: str) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("call", ["replace", "open"])
def test_a_full_disk_leaves_nothing_half_written(store: Store, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    store.write_scores("key", 0, DECISIONS)
    if call == "replace":
        monkeypatch.setattr(os, call, full)
    else:
        monkeypatch.setattr(Path, call, lambda *_, **__: FullStream())
    with pytest.raises(RunError, match="no space left on the disk of .*4.jsonl"):
        store.write_scores("key", 4, DECISIONS)
    assert files(store) == [store.scores("key", 0)]


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)"),
    ],
)
def test_a_full_disk_leaves_no_half_folder(store: Store, error: Exception) -> None:
    def fill_in_part(folder: Path) -> None:
        fill(folder)
        raise error

    with pytest.raises(RunError, match="no space left"):
        store.write_folder(store.subject("key"), fill_in_part)
    assert list(store.subject("key").parent.iterdir()) == []


def test_other_errors_of_the_disk_name_the_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match=f"cannot write {tmp_path}/file/below"):
        write_text(tmp_path / "file" / "below", "text")


# ------------------------------------------------------------------------------------------------ leftovers, sharing
def leftovers(store: Store) -> list[Path]:
    paths = [
        store.data("d").with_name(f"{TEMPORARY}d.jsonl.x1"),
        store.answers("cell", 4).with_name(f"{TEMPORARY}4.jsonl.x2"),
        store.scores("key", 4).with_name(f"{TEMPORARY}4.jsonl.x3"),
        store.failed("key").with_name(f"{TEMPORARY}key.jsonl.x4"),
        store.partial("key").with_name(f"{TEMPORARY}key.safetensors.123"),
        store.subject("key").with_name(f"{TEMPORARY}key.x5") / "weights",
    ]
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("half")
    return paths


def test_what_interrupted_writers_left_is_swept_and_nothing_else(store: Store) -> None:
    store.claim()
    store.write_scores("key", 4, DECISIONS)
    store.write_folder(store.subject("made"), fill)
    write_text(store.partial("unmade"), "state")
    kept = [path for path in files(store) if path.name != MARK]
    leftovers(store)
    write_text(store.partial("made"), "state of a make that is done")
    with store.in_use():
        assert sorted(path for path in files(store) if path.name not in (".lock", MARK)) == sorted(kept)


def test_a_store_that_another_study_writes_to_is_not_swept(store: Store) -> None:
    with store.in_use():
        paths = leftovers(store)
        with Store(store.root).in_use():
            assert all(path.exists() for path in paths)
    with store.in_use():
        assert not any(path.exists() for path in paths)


def test_the_log_of_work_is_appended_to(store: Store) -> None:
    store.log_run({"task": "make", "wall_seconds": 1.5})
    store.log_run({"task": "judge", "wall_seconds": 0.5})
    assert [json.loads(line)["task"] for line in store.runs.read_text().splitlines()] == ["make", "judge"]


def test_a_folder_that_is_there_already_stays(store: Store) -> None:
    store.write_folder(store.subject("key"), fill)
    before = (store.subject("key") / "titer.json").stat().st_mtime_ns
    store.write_folder(store.subject("key"), fill)
    assert (store.subject("key") / "titer.json").stat().st_mtime_ns == before
    assert [path.name for path in store.subject("key").parent.iterdir()] == ["key"]


# ------------------------------------------------------------------------------------------------ what is not ours
def test_a_folder_with_anything_else_in_it_is_no_store(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    with (
        pytest.raises(InputError, match=r"is no store of titer, and is not empty: it has thesis.tex"),
        Store(tmp_path).in_use(),
    ):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_file_or_a_link_is_no_store(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    for name in ("file", "link"):
        with pytest.raises(InputError, match="is a file or a link"):
            Store(tmp_path / name).claim()
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_store_of_a_later_titer_is_refused_by_its_format(store: Store) -> None:
    store.claim()
    assert json.loads((store.root / MARK).read_text()) == {"format": 1, "titer": __version__}
    write_text(store.root / MARK, '{"format":2,"titer":"9.1.0"}\n')
    said = rf"made by titer 9\.1\.0 in format 2; this is titer {__version__}, which reads format 1. Use the titer"
    for look in (store_mark.claim, store_mark.check):
        with pytest.raises(InputError, match=said):
            look(store.root)


def test_no_byte_of_anything_else_changes_in_twenty_sweeps(store: Store) -> None:
    """Hidden files as a repository and an editor have them, in every folder that is swept."""
    with store.in_use():
        pass
    foreign = [
        store.root / folder / name
        for folder in ("data", "subjects", "failed", "partial", "cells/key", "scores/key")
        for name in (".gitignore", ".key.jsonl.swp", ".git/config", "notes.md")
    ]
    for path in foreign:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"mine: {path}")
    outside = store.root.parent / "outside"
    outside.mkdir()
    (outside / "kept").write_text("kept")
    (store.root / "data" / f"{TEMPORARY}link").symlink_to(outside)
    for _ in range(20):
        with store.in_use():
            pass
    assert all(path.read_text() == f"mine: {path}" for path in foreign)
    assert (outside / "kept").read_text() == "kept"
    assert not (store.root / "data" / f"{TEMPORARY}link").is_symlink()
