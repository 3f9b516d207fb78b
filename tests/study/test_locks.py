"""Locks tell a folder that is busy from one that cannot be locked, and what is being written is never swept."""

from __future__ import annotations

import errno
import fcntl
from collections.abc import Callable
from pathlib import Path
from typing import IO

import pytest
from support.studies import begin, small_protocol, write_toml

from titer.errors import BusyError, InputError, RunError
from titer.planning.freeze import begin_study, draft_study, freeze, open_study, opening
from titer.protocol.schema import Protocol
from titer.study import store_mark
from titer.study.atomic_files import TEMPORARY
from titer.study.folder import FROZEN, Frozen, Study
from titer.study.locks import exclusive, locked, shared
from titer.study.store import Store

FAILS = (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL, errno.EIO)


def failing(number: int) -> Callable[[IO[str], int], None]:
    def flock(stream: IO[str], how: int) -> None:
        raise OSError(number, "as the system says it")

    return flock


@pytest.mark.parametrize("number", FAILS)
def test_a_file_system_without_locks_is_told_as_such(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fcntl, "flock", failing(number))
    told = rf"{tmp_path} has no locks that hold \({errno.errorcode[number]}\).*on a local disk"
    with pytest.raises(RunError, match=told) as caught, locked(tmp_path):
        pass
    assert not isinstance(caught.value, BusyError)
    with pytest.raises(RunError, match="has no locks that hold"), Store(tmp_path / "store").in_use():
        pass


@pytest.mark.parametrize("number", [errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES])
def test_a_lock_that_another_has_means_busy(number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fcntl, "flock", failing(number))
    with pytest.raises(BusyError, match="is being run by another process"), locked(tmp_path):
        pass


def test_a_lock_that_cannot_be_written_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("no folder", encoding="utf-8")
    with pytest.raises(RunError, match=rf"cannot write {tmp_path / 'file' / '.lock'}"), locked(tmp_path / "file"):
        pass


def test_locks_exclude_each_other_as_they_should(tmp_path: Path) -> None:
    path = tmp_path / ".lock"
    with exclusive(path) as alone, exclusive(path) as again:
        assert alone
        assert not again
    with shared(path), shared(path), exclusive(path) as alone:
        assert not alone
    with exclusive(path) as alone:
        assert alone


def test_the_file_is_open_in_the_way_that_nfs_asks_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Linux makes a byte-range lock of it, which must be readable to be shared and writable to be exclusive."""

    def flock(stream: IO[str], how: int) -> None:
        if not (stream.readable() if how & fcntl.LOCK_SH else stream.writable()):
            raise OSError(errno.EBADF, "Bad file descriptor")

    monkeypatch.setattr(fcntl, "flock", flock)
    with exclusive(tmp_path / ".lock") as alone, shared(tmp_path / ".lock"):
        assert alone


def test_what_a_worker_writes_is_not_swept_though_its_run_is_gone(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    with store.in_use():
        path = store.root / "data" / f"{TEMPORARY}x"
        path.parent.mkdir()
    with store.shared():
        path.write_text("half")
        with store.in_use():
            assert path.exists()
        assert path.exists()
    with store.in_use():
        assert not path.exists()
        path.write_text("left by a worker that died")
    assert not path.exists(), "the last to go sweeps"


def test_a_store_that_another_makes_at_the_same_moment_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = store_mark._check_empty

    def check_overtaken(root: Path) -> None:
        monkeypatch.setattr(store_mark, "_check_empty", real)
        Store(root).claim()
        Store(root).write_failure("key", "diverged at step 1")
        real(root)

    monkeypatch.setattr(store_mark, "_check_empty", check_overtaken)
    store = Store(tmp_path / "store")
    store.claim()
    assert store.failure("key") == "diverged at step 1"


# ------------------------------------------------------------------------------------------------ who begins a study
def draft(tmp_path: Path) -> Study:
    write_toml(tmp_path / "study" / "protocol.toml", small_protocol(tmp_path / "in"))
    return draft_study(tmp_path / "study")


def test_a_draft_leaves_no_sign_in_the_folder_that_the_study_has_begun(tmp_path: Path) -> None:
    study = draft(tmp_path)
    assert {path.name for path in study.folder.iterdir()} == {"protocol.toml", "store"}
    begun = begin_study(study)
    assert begun.frozen == open_study(study.folder).frozen == study.frozen
    assert {path.name for path in study.folder.iterdir()} == {
        *("protocol.toml", "store", FROZEN, "root.json", "salt", ".lock")
    }


def test_a_run_that_begins_while_another_command_looks_stays_begun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = freeze

    def freeze_slowly(protocol: Protocol, store: Store) -> Frozen:
        monkeypatch.setattr(opening, "freeze", real)
        begin(tmp_path)
        return real(protocol, store)

    monkeypatch.setattr(opening, "freeze", freeze_slowly)
    study = draft(tmp_path)
    frozen = (study.folder / FROZEN).read_bytes()
    assert begin_study(study).frozen == study.frozen
    assert (study.folder / FROZEN).read_bytes() == frozen


def test_a_study_is_begun_by_one_process_with_the_protocol_that_it_read(tmp_path: Path) -> None:
    study = draft(tmp_path)
    with locked(study.folder), pytest.raises(BusyError):
        begin_study(study)
    text = (study.folder / "protocol.toml").read_text()
    (study.folder / "protocol.toml").write_text(text.replace('"threshold" = 0.5', '"threshold" = 0.4'))
    with pytest.raises(InputError, match="harm.threshold differs"):
        begin_study(study)
    assert not (study.folder / FROZEN).exists()
