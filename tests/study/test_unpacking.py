"""A packed study read back: it goes on as the study that it was packed from, and damage is told."""

from __future__ import annotations

import shutil
from itertools import product
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support.orders import orders, without_orders
from support.studies import begin, contents, finish

from titer.analysis.assemble import assemble
from titer.analysis.concluding import cells_of, conclude_path
from titer.cli.judging.rejudge import second_opinion
from titer.conclude import conclude, pack
from titer.errors import DamagedError, InputError, UnfinishedError
from titer.planning.freeze import open_study
from titer.planning.plan import plan
from titer.protocol.loading import load
from titer.run import run
from titer.study.folder import Study, is_packed, locate, read_study
from titer.study.packed_tables import read_cells, read_whole
from titer.study.root import read_root
from titer.study.salt import read_salt
from titer.study.unpacking import read_packed, write_sums


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
    for name in ("tasks.jsonl", "standing.jsonl", "root.json"):
        assert (packed / name).read_bytes() == (done.folder / name).read_bytes(), name
    assert study.frozen.model_copy(update={"item_ids": done.frozen.item_ids}) == done.frozen
    assert plan(study).tasks == ()
    assert plan(study).cells == plan(done).cells
    assert without_orders(assemble(study)) == without_orders(assemble(done))
    assert orders(assemble(study)) == orders(assemble(done))
    before = (packed / "verdict.json").read_bytes()
    conclude(study)
    assert (packed / "verdict.json").read_bytes() == before


def test_its_store_has_the_same_scores_and_all_of_the_answers_but_their_texts(done: Study, packed: Path) -> None:
    study, salt = open_study(packed), read_salt(done.folder, read_root(done.folder).salt)
    texts = 0
    for _, doses, judges in cells_of(done):
        for dose, judge in product(doses, judges):
            mine, theirs = done.store.read_scores(judge.key, dose), study.store.read_scores(judge.key, dose)
            assert theirs == tuple(one.model_copy(update={"item": salt.of_id(one.item)}) for one in mine)
    for cell in done.read_cells():
        facts, answers = study.store.read_answers(cell.key, 0)
        assert facts == done.store.read_facts(cell.key, 0)
        for one, other in zip(done.store.read_answers(cell.key, 0)[1], answers, strict=True):
            assert other.text is None
            assert (other.text_digest is None) == (one.text is None)
            assert other.item == salt.of_id(one.item)
            assert other.model_copy(update={"text": one.text, "text_digest": None, "item": one.item}) == one
            texts += one.text is not None
    assert texts > 100
    assert not (study.store.root / "data").exists()
    assert not (study.store.root / "subjects").exists()


def test_nothing_is_made_anew_or_judged_again_in_it(packed: Path) -> None:
    study = open_study(packed)
    with pytest.raises(InputError, match="its texts were packed away"):
        second_opinion(packed, "refusal", json=False)
    cell = next(cell for cell in study.read_cells() if cell.purpose == "resistance")
    study.store.answers(cell.key, 2).unlink()
    with pytest.raises(DamagedError, match=r"the rows of (cells|scores)\.parquet changed"):
        list(run(study))


def test_packing_it_again_gives_the_same_bytes(packed: Path, packed_once: Path, tmp_path: Path) -> None:
    pack(open_study(packed), tmp_path / "again")
    assert contents(tmp_path / "again", ".") == contents(packed_once, ".")


def test_unpacking_that_was_interrupted_is_done_again(done: Study, packed: Path) -> None:
    """What is left of it is a temporary folder, or all but the list of cells, which comes last."""
    (packed / ".packed.abc").mkdir()
    open_study(packed)
    (packed / "tasks.jsonl").unlink()
    assert is_packed(packed)
    assert without_orders(assemble(open_study(packed))) == without_orders(assemble(done))


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
    with pytest.raises(UnfinishedError, match="it is packed. Run it: `titer run"):
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
    with pytest.raises(DamagedError, match=f"{name} is (damaged|not what)"):
        conclude_path(packed)
    assert (packed / "verdict.json").read_bytes() == verdict


def test_a_change_in_the_metadata_is_told(packed: Path) -> None:
    path = packed / "cells.parquet"
    content = path.read_bytes()
    assert content.count(b'"threshold":0.5') == 1
    path.write_bytes(content.replace(b'"threshold":0.5', b'"threshold":0.9'))
    with pytest.raises(DamagedError, match="cells.parquet is (damaged|not what)"):
        conclude_path(packed)


def test_the_scores_of_another_study_are_told(packed: Path, tmp_path: Path) -> None:
    other = begin(tmp_path, lambda data: data["study"].update(seeds={"attack": 2, "first": 2}), name="other")
    finish(other)
    pack(other, tmp_path / "other-packed")
    shutil.copyfile(tmp_path / "other-packed" / "scores.parquet", packed / "scores.parquet")
    with pytest.raises(DamagedError, match="scores.parquet is not what"):
        conclude_path(packed)


# ------------------------------------------------------------------------------------------------ more than can be
def multiplied(path: Path, rows: int) -> None:
    """The first row of a table, so many times: as runs of equal values they take a few kilobytes."""
    table, metadata = pq.read_table(path).slice(0, 1), pq.read_metadata(path).metadata
    many = pa.Table.from_arrays([pa.repeat(column[0], rows) for column in table.columns], schema=table.schema)
    with pq.ParquetWriter(path, table.schema, store_schema=False, compression="zstd") as writer:
        writer.write_table(many)
        writer.add_key_value_metadata({k.decode(): v.decode() for k, v in (metadata or {}).items() if k == b"titer"})
    write_sums(path.parent)


@pytest.mark.parametrize("name", ["cells.parquet", "scores.parquet"])
def test_a_table_that_says_more_rows_than_can_be_is_not_read(
    packed: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    multiplied(packed / name, 300_000)
    assert (packed / name).stat().st_size < 200_000
    read: list[int] = []
    real = pq.ParquetFile.read

    def counted(file: pq.ParquetFile) -> pa.Table:
        read.append(file.metadata.num_rows)
        return real(file)

    monkeypatch.setattr(pq.ParquetFile, "read", counted)
    with pytest.raises(
        DamagedError, match=rf"{name} is damaged: it says that it has 300,000 rows, .* can have [0-9,]+\."
    ):
        read_packed(packed)
    assert sum(read) < 100_000


def test_a_list_without_end_and_a_table_too_large_are_not_read(packed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("titer.study.packed_tables.LARGEST", 1_000)
    with pytest.raises(DamagedError, match=r"cells.parquet is damaged: it says that it has [0-9,]+ bytes"):
        read_packed(packed)
    monkeypatch.undo()
    monkeypatch.setattr("titer.study.packed_tables.LONGEST_LIST", 0)
    with pytest.raises(DamagedError, match=r"it says that it has [0-9,]+ values in a column"):
        read_packed(packed)


def test_a_long_text_in_many_rows_is_held_once(packed: Path) -> None:
    rows = read_cells(packed)
    assert len({id(row.spec) for row in rows}) == len({row.spec for row in rows}) < len(rows)
