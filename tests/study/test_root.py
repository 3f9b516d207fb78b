"""What a finished study rests on cannot be changed unnoticed, whichever file it is."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from support.studies import begin, finish

from titer.cli.verify import verified
from titer.conclude import conclude, pack, verify
from titer.errors import DamagedError, InputError, TiterError, UnfinishedError
from titer.records import canonical, digest
from titer.run import run
from titer.study.folder import Study, read_study
from titer.study.root import ROOT, read_root

pytestmark = pytest.mark.model


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """A study that was run to its end; no test may change it."""
    study = begin(tmp_path_factory.mktemp("root"))
    finish(study)
    assert [progress.finished for progress in run(study)] == [None]
    return study


@pytest.fixture
def copy(done: Study, tmp_path: Path) -> Study:
    shutil.copytree(done.folder, tmp_path / "study")
    shutil.copytree(done.folder.parent / "in", tmp_path / "in")
    return read_study(tmp_path / "study")


def test_a_study_is_registered_when_it_is_frozen_and_sealed_when_it_is_finished(tmp_path: Path, done: Study) -> None:
    begun, sealed = read_root(begin(tmp_path)), read_root(done)
    assert begun is not None
    assert sealed is not None
    assert begun.root is None
    assert sealed.root == digest(sealed.leaves)
    assert {"protocol.toml", "frozen.json", "tasks.jsonl"} < sealed.leaves.keys()
    parts = {name.split("/")[1] for name in sealed.leaves if name.startswith("store/")}
    assert parts == {"cells", "scores", "subjects"}


def test_what_is_unchanged_is_verified_and_said_in_one_line(done: Study) -> None:
    root = verify(done)
    assert root is not None
    assert root.root is not None
    assert f"root {root.root}, registration {root.registration}" in verified(done.folder, root.root[:12])
    with pytest.raises(DamagedError, match="not the published 00000000"):
        verified(done.folder, "00000000")
    with pytest.raises(InputError, match="is no digest"):
        verified(done.folder, "xyz")


def leaf(study: Study, start: str) -> Path:
    """The first file whose name among the leaves begins so."""
    root = read_root(study)
    assert root is not None
    return path_of(study, next(name for name in root.leaves if name.startswith(start)))


def path_of(study: Study, name: str) -> Path:
    return study.store.root / name.removeprefix("store/") if name.startswith("store/") else study.folder / name


def flipped(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-2] ^= 1
    path.write_bytes(bytes(data))


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def deleted(path: Path) -> None:
    path.unlink()


def doubled(path: Path) -> None:
    path.write_bytes(path.read_bytes() * 2)


@pytest.mark.parametrize("edit", [flipped, emptied, deleted, doubled])
@pytest.mark.parametrize("start", ["store/cells", "store/scores", "frozen.json", "tasks.jsonl", "store/subjects"])
def test_no_file_can_be_changed_unnoticed(copy: Study, start: str, edit: Callable[[Path], None]) -> None:
    edit(leaf(copy, start))
    if (start, edit) == ("store/subjects", deleted):
        assert verified(copy.folder, None), "weights may go: nothing is concluded from them"
        return
    with pytest.raises(TiterError):
        conclude(read_study(copy.folder))
    with pytest.raises(TiterError):
        verified(copy.folder, None)


def rewritten(study: Study, start: str) -> str:
    """One file with another value, under a header that fits it, so that by itself it looks whole; its name."""
    root = read_root(study)
    assert root is not None
    for name in (name for name in root.leaves if name.startswith(start)):
        path = path_of(study, name)
        lines = path.read_text(encoding="utf-8").splitlines()[1:]
        changed = [line.replace('"value":1.0', '"value":0.0').replace('"text":"', '"text":"no ') for line in lines]
        if changed != lines:
            body = "".join(f"{line}\n" for line in changed)
            head = canonical({"lines": len(changed), "sha256": hashlib.sha256(body.encode()).hexdigest()})
            path.write_text(f"{head}\n{body}", encoding="utf-8")
            return name
    raise AssertionError("no file has anything to change")


@pytest.mark.parametrize("start", ["store/cells", "store/scores"])
def test_a_file_rewritten_with_its_own_digest_is_named(copy: Study, start: str) -> None:
    name = rewritten(copy, start)
    said = f"{name.removeprefix('store/')} is truncated or was changed since the study was finished"
    with pytest.raises(DamagedError, match=said):
        conclude(copy)
    with pytest.raises(DamagedError, match=said):
        verified(copy.folder, None)
    with pytest.raises(DamagedError, match=said):
        list(run(copy))


def test_a_threshold_changed_in_protocol_and_frozen_alike_is_noticed(copy: Study) -> None:
    path = copy.folder / "protocol.toml"
    before = path.read_text(encoding="utf-8")
    path.write_text(re.sub(r'"threshold" = [0-9.]+', '"threshold" = 0.9', before), encoding="utf-8")
    assert path.read_text(encoding="utf-8") != before
    frozen = json.loads((copy.folder / "frozen.json").read_text(encoding="utf-8"))
    frozen["protocol"]["harm"]["threshold"] = 0.9
    (copy.folder / "frozen.json").write_text(canonical(frozen) + "\n", encoding="utf-8")
    with pytest.raises(DamagedError, match=r"frozen.json is truncated or was changed since the study was finished"):
        conclude(read_study(copy.folder))


def test_what_was_deleted_is_made_anew_and_must_be_the_same(copy: Study) -> None:
    shutil.rmtree(leaf(copy, "store/scores").parent)
    assert list(run(read_study(copy.folder)))
    assert verify(read_study(copy.folder)) == read_root(copy)


def test_a_rewrite_of_everything_shows_against_the_published_digest_alone(copy: Study, done: Study) -> None:
    published = read_root(done)
    assert published is not None
    rewritten(copy, "store/scores")
    (copy.folder / ROOT).unlink()
    list(run(copy))
    assert "files unchanged" in verified(copy.folder, None)
    with pytest.raises(DamagedError, match="not the published"):
        verified(copy.folder, published.root)


def test_what_is_not_finished_or_packed_has_no_root(tmp_path: Path, done: Study) -> None:
    with pytest.raises(UnfinishedError):
        verified(begin(tmp_path).folder, None)
    pack(done, tmp_path / "pack")
    with pytest.raises(InputError, match="a packed study has no root digest"):
        verified(tmp_path / "pack", None)
