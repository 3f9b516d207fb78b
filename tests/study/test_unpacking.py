"""A packed study read back: it goes on as the study that it was packed from, and damage is told."""

from __future__ import annotations

import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from support.studies import begin, contents, finish

from titer.analysis.assemble import assemble
from titer.analysis.concluding import conclude_path
from titer.conclude import conclude, pack
from titer.errors import DamagedError, InputError, UnfinishedError
from titer.planning.freeze import open_study, restore_data
from titer.planning.plan import plan
from titer.protocol.loading import load
from titer.study.folder import Study, is_packed, locate, read_study
from titer.study.packed_tables import read_whole


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """A finished study; no test may change it."""
    study = begin(tmp_path_factory.mktemp("done"))
    finish(study)
    conclude(study)
    return study


@pytest.fixture(scope="module")
def packed_once(done: Study, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """That study, packed; no test may change it."""
    folder = tmp_path_factory.mktemp("packed") / "out"
    pack(done, folder)
    return folder


@pytest.fixture
def packed(packed_once: Path, tmp_path: Path) -> Path:
    """A copy of the packed study, to be changed."""
    return shutil.copytree(packed_once, tmp_path / "out")


# ------------------------------------------------------------------------------------------------ it goes on
def test_its_cells_count_as_done(done: Study, packed: Path) -> None:
    assert is_packed(packed)
    study = open_study(packed)
    assert not is_packed(packed)
    for name in ("frozen.json", "tasks.jsonl", "standing.jsonl"):
        assert (packed / name).read_bytes() == (done.folder / name).read_bytes(), name
    assert plan(study).tasks == ()
    assert plan(study).cells == plan(done).cells
    assert assemble(study) == assemble(done)
    before = (packed / "verdict.json").read_bytes()
    conclude(study)
    assert (packed / "verdict.json").read_bytes() == before


def test_its_store_has_the_same_scores_and_all_of_the_answers_but_their_texts(done: Study, packed: Path) -> None:
    study = open_study(packed)
    assert contents(study.store.root, "scores") == contents(done.store.root, "scores")
    texts = 0
    for cell in done.read_cells():
        facts, theirs = study.store.read_answers(cell.key, 0)
        assert facts == done.store.read_facts(cell.key, 0)
        for one, other in zip(done.store.read_answers(cell.key, 0)[1], theirs, strict=True):
            assert other.text is None
            assert (other.text_digest is None) == (one.text is None)
            assert other.model_copy(update={"text": one.text, "text_digest": None}) == one
            texts += one.text is not None
    assert texts > 100
    assert not (study.store.root / "data").exists()
    assert not (study.store.root / "subjects").exists()


def test_only_what_is_missing_is_done(done: Study, packed: Path) -> None:
    study = open_study(packed)
    cell = next(c for c in done.read_cells() if c.purpose == "resistance" and c.subject == "defended")
    study.store.answers(cell.key, 2).unlink()
    restore_data(study)
    assert [task.kind for task in finish(study)] == ["make", "expose"]
    assert study.store.answers(cell.key, 2).read_bytes() == done.store.answers(cell.key, 2).read_bytes()
    assert assemble(study) == assemble(done)


def test_likelihoods_can_be_judged_again_and_texts_cannot(tmp_path: Path) -> None:
    def change(data: dict[str, object]) -> None:
        data["stability"] = {"tasks": ["plain"], "margin": 0.2}

    source = begin(tmp_path, change)
    finish(source)
    pack(source, tmp_path / "out")
    study = open_study(tmp_path / "out")
    restore_data(study)
    cells = [cell for cell in source.read_cells() if cell.purpose == "stability"]
    judges = {judge.role: judge for cell in cells for judge in source.frozen.judges_of(cell)}
    for judge in (judges["loss"], judges["harm"]):
        shutil.rmtree(study.store.scores(judge.key, 0).parent)
    assert {task.kind for task in finish(study)} == {"judge"}
    loss, harm = (study.store.read_scores(judges[role].key, 0) for role in ("loss", "harm"))
    assert loss == source.store.read_scores(judges["loss"].key, 0)
    assert {(score.value, score.missing) for score in harm} == {(None, "text was packed away")}


def test_packing_it_again_gives_the_same_bytes(packed: Path, packed_once: Path, tmp_path: Path) -> None:
    pack(open_study(packed), tmp_path / "again")
    assert contents(tmp_path / "again", ".") == contents(packed_once, ".")


def test_unpacking_that_was_interrupted_is_done_again(done: Study, packed: Path) -> None:
    """What is left of it is a temporary folder, or all but the list of cells, which comes last."""
    (packed / ".packed.abc").mkdir()
    open_study(packed)
    (packed / "tasks.jsonl").unlink()
    assert is_packed(packed)
    assert assemble(open_study(packed)) == assemble(done)


def test_a_study_that_was_renamed_keeps_its_name(done: Study, tmp_path: Path) -> None:
    folder = shutil.copytree(done.folder, tmp_path / "study")
    path = folder / "protocol.toml"
    path.write_text(path.read_text(encoding="utf-8").replace('"small"', '"renamed"'), encoding="utf-8")
    before = conclude(read_study(folder)).verdict
    pack(read_study(folder), tmp_path / "out")
    assert before.study == "renamed"
    assert conclude_path(tmp_path / "out").verdict == before
    assert read_whole(tmp_path / "out").protocol == load(path)


# ------------------------------------------------------------------------------------------------ what is refused
def test_a_packed_study_that_was_not_run_is_no_study_yet(packed: Path) -> None:
    with pytest.raises(UnfinishedError, match="is packed: `titer run"):
        read_study(packed)


def test_a_protocol_is_not_copied_over_that_of_a_packed_study(done: Study, packed: Path) -> None:
    before = contents(packed, ".")
    with pytest.raises(InputError, match="this is a packed study"):
        locate(done.folder / "protocol.toml", packed)
    assert contents(packed, ".") == before


@pytest.mark.parametrize("name", ["cells.parquet", "scores.parquet"])
def test_one_table_without_the_other_is_told(name: str, packed: Path) -> None:
    (packed / name).unlink()
    for path in (packed, packed / "cells.parquet", packed / "scores.parquet"):
        with pytest.raises(InputError, match="there is no such file") as caught:
            conclude_path(path)
        assert caught.value.place == str(packed / name)


def test_a_file_that_is_no_table_of_a_pack_is_told(packed: Path) -> None:
    with pytest.raises(InputError, match="this is no table of a packed study"):
        conclude_path(packed / "other.parquet")


def within_the_values(table: Path) -> int:
    """A byte of the values of the largest column; between the values are statistics that nobody reads."""
    group = pq.read_metadata(table).row_group(0)
    columns = [group.column(place) for place in range(group.num_columns)]
    largest = max(columns, key=lambda column: column.total_compressed_size)
    start = largest.dictionary_page_offset or largest.data_page_offset
    return int(start + largest.total_compressed_size // 4)


@pytest.mark.parametrize("name", ["cells.parquet", "scores.parquet"])
@pytest.mark.parametrize("damage", ["cut", "flipped", "empty", "no table"])
def test_a_damaged_table_is_told(name: str, damage: str, packed: Path) -> None:
    path, verdict = packed / name, (packed / "verdict.json").read_bytes()
    content = path.read_bytes()
    place = within_the_values(path)
    changed = {
        "cut": content[:-100],
        "flipped": content[:place] + bytes([content[place] ^ 255]) + content[place + 1 :],
        "empty": b"",
        "no table": b"purpose,subject\n",
    }
    path.write_bytes(changed[damage])
    with pytest.raises(DamagedError, match=f"{name} is damaged"):
        conclude_path(packed)
    assert (packed / "verdict.json").read_bytes() == verdict


def test_a_change_in_the_metadata_is_told(packed: Path) -> None:
    path = packed / "cells.parquet"
    content = path.read_bytes()
    assert content.count(b'"threshold":0.5') == 1
    path.write_bytes(content.replace(b'"threshold":0.5', b'"threshold":0.9'))
    with pytest.raises(DamagedError, match="cells.parquet is damaged"):
        conclude_path(packed)


def test_the_scores_of_another_study_are_told(packed: Path, tmp_path: Path) -> None:
    other = begin(tmp_path, lambda data: data["study"].update(seeds={"attack": 2, "first": 2}), name="other")
    finish(other)
    pack(other, tmp_path / "other-packed")
    shutil.copyfile(tmp_path / "other-packed" / "scores.parquet", packed / "scores.parquet")
    with pytest.raises(DamagedError, match="scores.parquet is damaged, or not what was packed together"):
        conclude_path(packed)
