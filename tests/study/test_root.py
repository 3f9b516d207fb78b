"""What a finished study rests on cannot be changed unnoticed, whichever file it is, and its pack has the same root."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from support.studies import begin, begin_again, copied, finish

from benchmarks.tampering.forgeries import put_back_registration
from titer.analysis.concluding import cells_of, check_whole
from titer.cli.verify import verified
from titer.conclude import conclude, pack, report
from titer.errors import DamagedError, InputError, TiterError, UnfinishedError
from titer.planning.freeze import open_study
from titer.records import canonical
from titer.run import run
from titer.study.folder import Study, read_study
from titer.study.leaves import ENDED, ended_leaf, path_of
from titer.study.packed_tables import read_cells, read_whole, write_cells
from titer.study.root import ROOT, Root, read_root, register, sha256_of
from titer.study.sealing import seal
from titer.study.unpacking import write_sums

pytestmark = pytest.mark.model


@pytest.fixture(scope="module")
def done(small_once: Path, tmp_path_factory: pytest.TempPathFactory) -> Study:
    """A study that was run to its end and reported; no test may change it."""
    study = copied(small_once / "study", tmp_path_factory.mktemp("root") / "study")
    assert [progress.finished for progress in run(study)] == [None]
    report(conclude(study), ("md", "json"))
    return study


@pytest.fixture
def copy(done: Study, tmp_path: Path) -> Study:
    return copied(done.folder, tmp_path / "study")


@pytest.fixture(scope="module")
def packed_once(done: Study, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("packed") / "out"
    pack(done, folder)
    return folder


@pytest.fixture
def packed(packed_once: Path, tmp_path: Path) -> Path:
    return shutil.copytree(packed_once, tmp_path / "out")


def test_a_study_is_registered_when_it_is_frozen_and_sealed_when_it_is_finished(tmp_path: Path, done: Study) -> None:
    begun, sealed = read_root(begin(tmp_path).folder), read_root(done.folder)
    assert (begun.root, begun.ended_with) == (None, None)
    assert sealed.root == hashlib.sha256(canonical(sealed.leaves).encode()).hexdigest()
    assert {"protocol.toml", "frozen.json", "tasks.jsonl", "standing.jsonl", "salt"} < sealed.leaves.keys()
    parts = {name.split("/")[1] for name in sealed.leaves if name.startswith("store/")}
    assert parts == {"data", "cells", "scores", "subjects"}
    assert sealed.begun_with.keys() >= {"titer", "torch", "transformers", "peft", "python"}


def test_two_studies_of_one_protocol_have_their_own_salts_and_registrations(tmp_path: Path, done: Study) -> None:
    again = begin_again(done, tmp_path / "again")
    one, other = read_root(again.folder), read_root(done.folder)
    assert one.leaves["protocol.toml"] == other.leaves["protocol.toml"]
    assert one.salt != other.salt
    assert one.registration != other.registration


def test_what_is_unchanged_is_verified_and_said_in_one_line(done: Study) -> None:
    root = read_root(done.folder)
    assert root.root is not None
    line = verified(done.folder, root.root[:32], root.registration).line
    assert line == f"titer root {root.root} registration {root.registration}"
    with pytest.raises(DamagedError, match="not the published 0{32}"):
        verified(done.folder, "0" * 32)
    with pytest.raises(DamagedError, match="has the registration digest"):
        verified(done.folder, root.root, "0" * 32)
    with pytest.raises(InputError, match="is no digest"):
        verified(done.folder, "xyz")
    with pytest.raises(InputError, match="is no digest"):
        verified(done.folder, root.root[:8])


def test_the_report_prints_both_digests_and_the_command_that_checks_them(done: Study, packed: Path) -> None:
    root = read_root(done.folder)
    line = f"titer verify . --digest {root.root} --registration {root.registration}"
    for folder in (done.folder, packed):
        assert line in (folder / "report.md").read_text(encoding="utf-8")
        assert verified(folder, root.root, root.registration).line == root.line


def leaf(study: Study, start: str) -> Path:
    """The first file whose name among the leaves begins so."""
    return path_of(study, next(name for name in read_root(study.folder).leaves if name.startswith(start)))


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


def linked(path: Path) -> None:
    path.rename(path.with_name("elsewhere"))
    path.symlink_to(path.with_name("elsewhere"))


KINDS = ("store/cells", "store/scores", "store/data", "store/subjects", "frozen.json", "tasks.jsonl", "standing.jsonl")


@pytest.mark.parametrize("edit", [flipped, emptied, deleted, doubled, linked])
@pytest.mark.parametrize("start", [*KINDS, "salt"])
def test_no_file_can_be_changed_unnoticed(copy: Study, start: str, edit: Callable[[Path], None]) -> None:
    edit(leaf(copy, start))
    with pytest.raises(TiterError, match=re.escape(str(leaf(copy, start)))):
        conclude(read_study(copy.folder))
    with pytest.raises(TiterError, match=re.escape(str(leaf(copy, start)))):
        verified(copy.folder)


def test_weights_may_go_as_a_whole(copy: Study) -> None:
    shutil.rmtree(leaf(copy, "store/subjects").parent)
    assert verified(copy.folder)


@pytest.mark.parametrize("edit", [flipped, emptied, deleted])
def test_without_its_digests_nothing_is_concluded(copy: Study, edit: Callable[[Path], None]) -> None:
    edit(copy.folder / ROOT)
    for attempt in (lambda: conclude(copy), lambda: verified(copy.folder), lambda: list(run(copy))):
        with pytest.raises(DamagedError, match=r"root\.json (is|was) .*Put it back"):
            attempt()


def rewritten(study: Study, start: str) -> str:
    """One file with another value, under a header that fits it, so that by itself it looks whole; its name."""
    for name in (name for name in read_root(study.folder).leaves if name.startswith(start)):
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


def with_threshold(study: Study) -> None:
    """Its threshold changed in protocol and frozen.json alike."""
    path = study.folder / "protocol.toml"
    before = path.read_text(encoding="utf-8")
    path.write_text(re.sub(r'"threshold" = [0-9.]+', '"threshold" = 0.9', before), encoding="utf-8")
    assert path.read_text(encoding="utf-8") != before
    frozen = json.loads((study.folder / "frozen.json").read_text(encoding="utf-8"))
    frozen["protocol"]["harm"]["threshold"] = 0.9
    (study.folder / "frozen.json").write_text(canonical(frozen) + "\n", encoding="utf-8")


@pytest.mark.parametrize("finished", [False, True])
def test_a_threshold_changed_in_protocol_and_frozen_alike_is_noticed(
    copy: Study, tmp_path: Path, finished: bool
) -> None:
    study = copy if finished else begin(tmp_path / "unfinished")
    with_threshold(study)
    with pytest.raises(DamagedError, match=r"protocol.toml changed since the study was registered"):
        list(run(read_study(study.folder)))
    with pytest.raises(DamagedError, match=r"protocol.toml changed since the study was registered"):
        conclude(read_study(study.folder))


def test_what_was_deleted_is_made_anew_and_must_be_the_same(copy: Study) -> None:
    shutil.rmtree(leaf(copy, "store/scores").parent)
    assert list(run(read_study(copy.folder)))
    assert verified(copy.folder).line == read_root(copy.folder).line


def test_a_rewrite_of_everything_shows_against_the_published_digest_alone(copy: Study, done: Study) -> None:
    published = read_root(done.folder)
    rewritten(copy, "store/cells")
    for name in ("verdict.json", "report.json", "report.md", "ledger.md", "report.html"):
        (copy.folder / name).unlink(missing_ok=True)
    register(copy.folder, copy.frozen)
    seal(copy, cells_of(copy))
    assert verified(copy.folder).line.startswith("titer root ")
    with pytest.raises(DamagedError, match="not the published"):
        verified(copy.folder, published.root)
    assert verified(copy.folder, None, published.registration), "its inputs are the same"


def test_a_forged_verdict_is_named(copy: Study, packed: Path) -> None:
    for folder in (copy.folder, packed):
        path = folder / "verdict.json"
        data = json.loads(path.read_text(encoding="utf-8"))
        path.write_text(canonical(data | {"outcome": "upheld"}), encoding="utf-8")
        with pytest.raises(DamagedError, match=rf"{path} is not what is concluded from the scores"):
            check_whole(folder)


@pytest.mark.parametrize("name", ["report.md", "ledger.md", "report.json"])
def test_a_forged_report_is_named(copy: Study, packed: Path, name: str) -> None:
    for folder in (copy.folder, packed):
        path = folder / name
        text = path.read_text(encoding="utf-8")
        forged = text.replace("undecided", "upheld").replace("not shown", "shown")
        assert forged != text
        path.write_text(forged, encoding="utf-8")
        with pytest.raises(DamagedError, match=rf"{path} is not what is reported"):
            verified(folder)


def test_a_study_of_a_newer_titer_is_no_damaged_one(copy: Study) -> None:
    for name in (ROOT, "frozen.json"):
        path = copy.folder / name
        before = path.read_text(encoding="utf-8")
        path.write_text(canonical(json.loads(before) | {"format": 99, "titer": "9.9", "more": 1}), encoding="utf-8")
        with pytest.raises(InputError, match=r"made by titer 9\.9 in format 99; this is titer .*Use the titer"):
            conclude(read_study(copy.folder))
        path.write_text(before, encoding="utf-8")


# ------------------------------------------------------------------------------------------------ packed
def test_a_packed_study_and_one_unpacked_from_it_have_the_root_of_the_study(done: Study, packed: Path) -> None:
    line = read_root(done.folder).line
    assert verified(packed).line == verified(packed / "scores.parquet").line == line
    open_study(packed)
    assert verified(packed).line == line
    assert list(run(read_study(packed)))
    assert verified(packed).line == line


PACKED = ("SHA256SUMS", "cells.parquet", "scores.parquet", "protocol.toml", "root.json")


@pytest.mark.parametrize("edit", [flipped, emptied, deleted])
@pytest.mark.parametrize("name", PACKED)
def test_no_file_of_a_pack_can_be_changed_unnoticed(packed: Path, name: str, edit: Callable[[Path], None]) -> None:
    edit(packed / name)
    with pytest.raises(TiterError):
        verified(packed)


def test_scores_of_another_study_in_a_pack_are_named(packed: Path, tmp_path: Path) -> None:
    other = begin(tmp_path / "other", lambda data: data["study"].update(seeds={"attack": 2, "first": 7}))
    finish(other)
    pack(other, tmp_path / "theirs")
    for name in ("cells.parquet", "scores.parquet"):
        shutil.copy(tmp_path / "theirs" / name, packed / name)
    with pytest.raises(DamagedError, match=r"cells.parquet is not what .*SHA256SUMS lists"):
        verified(packed)


def test_what_an_unpacked_study_has_in_its_store_is_compared(packed: Path) -> None:
    study = open_study(packed)
    path = next(
        path for path in sorted(study.store.root.glob("scores/*/*.jsonl")) if b'"value":1.0' in path.read_bytes()
    )
    lines = path.read_text(encoding="utf-8").replace('"value":1.0', '"value":0.0').splitlines()[1:]
    body = "".join(f"{line}\n" for line in lines)
    head = canonical({"lines": len(lines), "sha256": hashlib.sha256(body.encode()).hexdigest()})
    path.write_text(f"{head}\n{body}", encoding="utf-8")
    with pytest.raises(DamagedError, match=r"the rows of scores.parquet changed"):
        conclude(read_study(packed))


# ------------------------------------------------------------------------------------------------ signed
@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two SSH keys without a password."""
    folder = tmp_path_factory.mktemp("keys")
    for name in ("mine", "other"):
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "a comment", "-f", str(folder / name)]
        subprocess.run(command, check=True)
    return folder / "mine", folder / "other"


@pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="needs OpenSSH")
def test_a_signature_holds_for_the_study_and_its_pack_and_for_nothing_else(
    copy: Study, keys: tuple[Path, Path], tmp_path: Path
) -> None:
    mine, other = keys
    with pytest.raises(InputError, match="the study is not signed"):
        verified(copy.folder, signer=mine.with_suffix(".pub"))
    line = verified(copy.folder, key=mine).line
    pack(copy, tmp_path / "signed")
    for folder in (copy.folder, tmp_path / "signed"):
        assert verified(folder, signer=mine.with_suffix(".pub")).line == line
        with pytest.raises(DamagedError, match=r"root\.sig does not hold"):
            verified(folder, signer=other.with_suffix(".pub"))
    rewritten(copy, "store/cells")
    register(copy.folder, copy.frozen)
    seal(copy, cells_of(copy))
    for name in ("report.json", "report.md", "ledger.md", "report.html"):
        (copy.folder / name).unlink(missing_ok=True)
    with pytest.raises(DamagedError, match=r"root\.sig does not hold"):
        verified(copy.folder, signer=mine.with_suffix(".pub"))
    with pytest.raises(InputError, match="there is no key"):
        verified(copy.folder, key=tmp_path / "none")


@pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="needs OpenSSH")
def test_who_signed_is_said_though_nobody_was_named(copy: Study, keys: tuple[Path, Path]) -> None:
    mine, other = keys
    verified(copy.folder, key=other)
    told = subprocess.run(["ssh-keygen", "-lf", str(other)], capture_output=True, text=True, check=True).stdout
    (note,) = (note for note in verified(copy.folder).notes if note.startswith("signed by"))
    assert f"ssh-ed25519 key {told.split()[1]} in the namespace 'titer'" in note
    assert "not checked against anybody" in note
    (note,) = verified(copy.folder, signer=other.with_suffix(".pub")).notes
    assert f"which is the key {other}.pub" in note
    with pytest.raises(DamagedError, match="does not hold"):
        verified(copy.folder, signer=mine.with_suffix(".pub"))


@pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="needs OpenSSH")
def test_a_signature_for_something_else_says_what_for(copy: Study, keys: tuple[Path, Path], tmp_path: Path) -> None:
    line = tmp_path / "line"

    def signed(text: str, namespace: str) -> None:
        line.write_text(text + "\n", encoding="utf-8")
        line.with_suffix(".sig").unlink(missing_ok=True)
        command = ["ssh-keygen", "-Y", "sign", "-q", "-f", str(keys[0]), "-n", namespace, str(line)]
        subprocess.run(command, check=True)
        shutil.copy(line.with_suffix(".sig"), copy.folder / "root.sig")

    for namespace in ("file", "titer"):
        signed(read_root(copy.folder).line, namespace)
        (note,) = (note for note in verified(copy.folder).notes if note.startswith("signed by"))
        assert f"in the namespace '{namespace}'" in note
        assert ("it was made for something else" in note) == (namespace == "file")
    signed("titer root of another study", "titer")
    with pytest.raises(DamagedError, match=r"root\.sig does not hold"):
        verified(copy.folder)


def test_a_signature_that_is_none_is_refused(copy: Study) -> None:
    start, end = "-----BEGIN SSH SIGNATURE-----", "-----END SSH SIGNATURE-----"
    (copy.folder / "root.sig").write_text(f"{start}\nU1NIU0lHAAAAAf////8=\n{end}\n", encoding="utf-8")
    with pytest.raises(DamagedError, match=r"root\.sig is damaged: its fields cannot be read"):
        verified(copy.folder)


def test_what_is_not_finished_has_no_root(tmp_path: Path) -> None:
    with pytest.raises(UnfinishedError):
        verified(begin(tmp_path).folder)


def test_a_root_has_no_place_for_other_things() -> None:
    with pytest.raises(DamagedError, match="not a Root"):
        Root.from_json('{"format":2,"more":1}')


# ------------------------------------------------------------------------------------------------ hostile and unlucky
def test_inputs_of_an_unfinished_study_are_those_that_were_registered(tmp_path: Path) -> None:
    study = begin(tmp_path)
    path = study.store.data(next(iter(study.frozen.items.values())))
    lines = path.read_text(encoding="utf-8").replace('"prompt":"', '"prompt":"harmless ').splitlines()[1:]
    body = "".join(f"{line}\n" for line in lines)
    head = canonical({"lines": len(lines), "sha256": hashlib.sha256(body.encode()).hexdigest()})
    path.write_text(f"{head}\n{body}", encoding="utf-8")
    with pytest.raises(DamagedError, match=f"{path} is not what the study was registered with"):
        list(run(study))


def test_a_pack_whose_keys_lead_elsewhere_writes_nothing_there(packed: Path, tmp_path: Path) -> None:
    whole = read_whole(packed).model_copy(update={"failed_makes": {"../../../evil": "forged"}})
    write_cells(packed, read_cells(packed), whole)
    forge(packed, tables_ended=ended_leaf(whole.status, whole.failed_makes)[ENDED])
    with pytest.raises(TiterError, match="does not lie in it"):
        open_study(packed)
    assert not list(tmp_path.rglob("evil*"))


def forge(folder: Path, **leaves: str) -> None:
    """Other leaves in root.json of a pack, with all that follows from them."""
    path = folder / ROOT
    data = json.loads(path.read_text(encoding="utf-8"))
    data["leaves"] |= {name.replace("_", "/"): one for name, one in leaves.items()}
    data["root"] = sha256_of(data["leaves"])
    path.write_text(canonical(data) + "\n", encoding="utf-8")
    write_sums(folder)


@pytest.mark.parametrize("name", ["zzz", "store//etc/passwd", "store/../x.jsonl", "store/cells/../../x.jsonl"])
def test_a_leaf_of_no_file_of_a_study_is_refused(packed: Path, name: str) -> None:
    path = packed / ROOT
    data = json.loads(path.read_text(encoding="utf-8"))
    data["leaves"][name] = "0" * 64
    path.write_text(canonical(data | {"root": sha256_of(data["leaves"])}) + "\n", encoding="utf-8")
    write_sums(packed)
    with pytest.raises(DamagedError, match=r"root\.json was changed"):
        verified(packed)


def test_a_finished_study_that_is_mended_and_interrupted_goes_on(copy: Study) -> None:
    shutil.rmtree(leaf(copy, "store/scores").parent)
    steps = run(copy)
    next(steps)
    steps.close()
    assert list(run(copy))
    assert verified(copy.folder).line == read_root(copy.folder).line


def test_a_study_that_was_renamed_is_still_what_it_was_and_says_so(copy: Study, packed: Path) -> None:
    assert not any(note.startswith("renamed") for note in verified(packed).notes)
    path, root = copy.folder / "protocol.toml", read_root(copy.folder)
    path.write_text(path.read_text(encoding="utf-8").replace('"small"', '"renamed"'), encoding="utf-8")
    found = verified(copy.folder, root.root)
    assert found.line == root.line
    assert found.notes == (
        "renamed: it was registered as 'small', and no digest covers the name 'renamed' that it has now",
    )


def test_the_name_at_the_start_is_covered_by_the_root(copy: Study) -> None:
    path = copy.folder / "frozen.json"
    path.write_text(path.read_text(encoding="utf-8").replace('"small"', '"renamed"'), encoding="utf-8")
    with pytest.raises(DamagedError, match=r"frozen\.json is truncated or was changed"):
        verified(copy.folder)


def test_what_was_compared_with_itself_only_is_said(done: Study) -> None:
    root = read_root(done.folder)
    assert [note.partition(",")[0] for note in verified(done.folder).notes] == ["compared with its own digests only"]
    assert verified(done.folder, None, root.registration).notes != ()
    assert verified(done.folder, root.root).notes == ()


@pytest.mark.parametrize("where", ["study", "pack"])
def test_a_chart_that_was_changed_is_named(copy: Study, packed: Path, where: str) -> None:
    folder = copy.folder if where == "study" else packed
    assert verified(folder)
    path = folder / "harm.svg"
    path.write_text(path.read_text(encoding="utf-8").replace("threshold", "no threshold"), encoding="utf-8")
    with pytest.raises(DamagedError, match=rf"{path} is not what is reported"):
        verified(folder)


def test_a_chart_of_nothing_is_named(copy: Study) -> None:
    (copy.folder / "searches.svg").write_text("<svg/>", encoding="utf-8")
    with pytest.raises(DamagedError, match=r"searches\.svg is not what is reported"):
        verified(copy.folder)


def test_one_byte_of_the_weights_of_a_made_subject_is_noticed(copy: Study) -> None:
    (path,) = leaf(copy, "store/subjects").parent.glob("*.safetensors")
    assert verified(copy.folder)
    flipped(path)
    with pytest.raises(DamagedError, match=rf"{path} is truncated, was changed or was added"):
        verified(copy.folder)


def test_a_file_that_was_added_to_a_made_subject_is_noticed(copy: Study) -> None:
    (leaf(copy, "store/subjects").parent / "adapter_config.json").write_text("{}", encoding="utf-8")
    with pytest.raises(DamagedError, match=r"adapter_config\.json is truncated, was changed or was added"):
        verified(copy.folder)


# ------------------------------------------------------------------------------------------------ sealed again
def test_a_study_that_is_sealed_again_says_so_with_date_and_reason(copy: Study, tmp_path: Path) -> None:
    before = read_root(copy.folder)
    name = rewritten(copy, "store/scores")
    put_back_registration(copy.folder)
    list(run(read_study(copy.folder)))
    root = read_root(copy.folder)
    (again,) = root.sealed_again
    assert again.root == before.root != root.root
    assert again.on == datetime.now(UTC).date().isoformat()
    assert name in again.because
    report(conclude(read_study(copy.folder)), ("html", "md", "json"))
    pack(read_study(copy.folder), tmp_path / "out")
    for folder in (copy.folder, tmp_path / "out"):
        assert again.line in verified(folder).notes
        assert f"sealed again, on {again.on}, because" in (folder / "ledger.md").read_text(encoding="utf-8")
        assert json.loads((folder / "report.json").read_text(encoding="utf-8"))["sealed_again"] == [again.to_data()]
    assert "sealed again on" in (copy.folder / "report.html").read_text(encoding="utf-8")
    data = json.loads((tmp_path / "out" / ROOT).read_text(encoding="utf-8"))
    del data["sealed_again"]
    (tmp_path / "out" / ROOT).write_text(canonical(data), encoding="utf-8")
    with pytest.raises(DamagedError, match=r"root\.json was changed"):
        verified(tmp_path / "out")


def test_what_is_finished_as_it_was_is_not_sealed_again(copy: Study) -> None:
    before = (copy.folder / ROOT).read_bytes()
    put_back_registration(copy.folder)
    list(run(read_study(copy.folder)))
    assert (copy.folder / ROOT).read_bytes() == before


def test_each_of_the_two_memories_is_enough(copy: Study) -> None:
    places = [copy.folder / "seals.jsonl", copy.store.seals(read_root(copy.folder).salt)]
    for path in places:
        content = path.read_bytes()
        path.unlink()
        with pytest.raises(DamagedError, match=f"{path} is missing: `titer run"):
            verified(copy.folder)
        list(run(read_study(copy.folder)))
        assert path.read_bytes() == content
        assert verified(copy.folder)
    for times, path in enumerate(places, start=1):
        path.unlink()
        rewritten(copy, "store/scores")
        put_back_registration(copy.folder)
        list(run(read_study(copy.folder)))
        assert len(read_root(copy.folder).sealed_again) == times


def test_an_interruption_between_memory_and_root_counts_once(copy: Study) -> None:
    rewritten(copy, "store/scores")
    put_back_registration(copy.folder)
    unsealed = (copy.folder / ROOT).read_bytes()
    list(run(read_study(copy.folder)))
    sealed = (copy.folder / ROOT).read_bytes()
    (copy.folder / ROOT).write_bytes(unsealed)
    list(run(read_study(copy.folder)))
    assert (copy.folder / ROOT).read_bytes() == sealed


def test_a_root_that_is_not_the_one_remembered_is_named(copy: Study, done: Study) -> None:
    rewritten(copy, "store/scores")
    put_back_registration(copy.folder)
    list(run(read_study(copy.folder)))
    shutil.copy(done.folder / "seals.jsonl", copy.folder / "seals.jsonl")
    with pytest.raises(DamagedError, match=r"seals\.jsonl remembers the root"):
        verified(copy.folder)


def test_without_any_memory_only_a_published_digest_tells(copy: Study, done: Study) -> None:
    rewritten(copy, "store/scores")
    put_back_registration(copy.folder)
    (copy.folder / "seals.jsonl").unlink()
    shutil.rmtree(copy.store.root / "seals")
    list(run(read_study(copy.folder)))
    assert read_root(copy.folder).sealed_again == ()
    with pytest.raises(DamagedError, match="not the published"):
        verified(copy.folder, read_root(done.folder).root)


@pytest.mark.parametrize("linked", [True, False])
def test_nothing_but_a_signature_leaves_with_a_pack_as_one(copy: Study, tmp_path: Path, linked: bool) -> None:
    secret = tmp_path / "secret"
    secret.write_text("a secret", encoding="utf-8")
    path = copy.folder / "root.sig"
    path.symlink_to(secret) if linked else shutil.copy(secret, path)
    with pytest.raises(InputError, match=f"{path}.*(is a link|is no SSH signature)"):
        pack(copy, tmp_path / "leak")
    assert not any(b"a secret" in file.read_bytes() for file in tmp_path.glob("leak/*"))


def test_the_order_of_rows_leaves_a_study_under_its_salt_only(copy: Study, packed: Path) -> None:
    facts = [copy.store.read_facts(cell.key, doses[-1]) for cell, doses, _ in cells_of(copy) if doses]
    orders = [one.order.encode() for one in facts if one.order is not None]
    assert orders
    for name in ("cells.parquet", "report.json", "report.md", "ledger.md"):
        assert not any(order in (packed / name).read_bytes() for order in orders)
    assert not {row.order for row in read_cells(packed)} & {order.decode() for order in orders}


@pytest.mark.parametrize("name", ["root.json", "frozen.json"])
def test_what_is_nested_without_end_is_damaged(copy: Study, name: str) -> None:
    (copy.folder / name).write_text("[" * 200_000, encoding="utf-8")
    with pytest.raises(DamagedError, match=name):
        verified(copy.folder)


def test_a_file_of_no_lines_is_damaged(tmp_path: Path) -> None:
    study, name = begin(tmp_path), "standing.jsonl"
    head = canonical({"lines": 0, "sha256": hashlib.sha256(b"").hexdigest()})
    (study.folder / name).write_text(f"{head}\n", encoding="utf-8")
    with pytest.raises(DamagedError, match=name):
        list(run(study))
