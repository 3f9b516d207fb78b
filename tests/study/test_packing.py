"""A packed study: a few files with all that its verdict rests on, nobody else's scores, and no text."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from support.studies import begin, contents, finish

from titer.analysis.concluding import cells_of
from titer.analysis.stopping import wanted
from titer.conclude import conclude, pack, report
from titer.data.identifiers import ProbeId
from titer.data.splits import Overlap
from titer.errors import InputError, RunError, UnfinishedError
from titer.records import Item, Row
from titer.study.atomic_files import read_lines
from titer.study.folder import Study, read_study
from titer.study.packed_rows import CellRow
from titer.study.packed_tables import read_cells, read_scores, read_whole, write_cells
from titer.study.packing import write_tables
from titer.study.root import read_root, register
from titer.study.salt import read_salt
from titer.study.sealing import seal
from titer.study.store import Store
from titer.study.store_place import remember
from titer.study.tasks import CellSpec
from titer.study.unpacking import unpack
from titer.study.view import StoreView

FILES = {
    "SHA256SUMS",
    "protocol.toml",
    "root.json",
    "verdict.json",
    "report.md",
    "ledger.md",
    "report.json",
    "cells.parquet",
    "scores.parquet",
}


def named(data: dict[str, Any], attack: int) -> None:
    """Rows with ids of their own, that are found nowhere else."""
    data["study"]["seeds"] = {"attack": attack}
    for source in (*data["harm"]["domain"], *data["benign"], *data["task"]):
        path = Path(source["source"])
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        named = [row | {"id": f"row {number} of {path.stem}"} for number, row in enumerate(rows)]
        path.write_text("".join(f"{json.dumps(row)}\n" for row in named), encoding="utf-8")


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """A finished study of a store that another study uses too; no test may change it."""
    folder = tmp_path_factory.mktemp("done")
    store = folder / "shared"
    finish(begin(folder, lambda data: named(data, attack=3), name="other", store=store))
    study = begin(folder, lambda data: named(data, attack=2), store=store)
    finish(study)
    conclude(study)
    return study


@pytest.fixture(scope="module")
def packed(done: Study, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """That study, packed; no test may change it."""
    folder = tmp_path_factory.mktemp("packed") / "out"
    pack(done, folder)
    return folder


@pytest.fixture
def copied(done: Study, tmp_path: Path) -> Study:
    """A copy of that study with its store, to be changed."""
    shutil.copytree(done.store.root, tmp_path / "shared")
    shutil.copytree(done.folder, tmp_path / "study")
    remember(tmp_path / "study", Store(tmp_path / "shared"))
    return read_study(tmp_path / "study")


def doses_of(study: Study, cell: CellSpec) -> tuple[int, ...]:
    """The doses that a study wants of a cell."""
    return wanted(StoreView(study.store), cell, study.frozen.judges_of(cell))


def own(study: Study) -> tuple[set[str], set[str]]:
    """The files of a store that belong to a study: of its cells, and of its scores."""
    cells, scores = set(), set()
    for cell in study.read_cells():
        judges = study.frozen.judges_of(cell)
        for dose in doses_of(study, cell):
            cells.add(f"{cell.key}/{dose}.jsonl")
            scores |= {f"{judge.key}/{dose}.jsonl" for judge in judges if judge.asked.at(dose)}
    return cells, scores


def test_a_packed_study_is_a_few_files(packed: Path) -> None:
    charts = {"harm.svg"}
    assert {path.name for path in packed.iterdir()} == FILES | charts
    assert "](harm.svg)" in (packed / "report.md").read_text(encoding="utf-8")


def test_its_verdict_and_report_are_those_of_the_study(done: Study, packed: Path) -> None:
    report(conclude(done), ("md", "json"))
    for name in ("protocol.toml", "verdict.json", "report.md", "ledger.md", "report.json"):
        assert (packed / name).read_bytes() == (done.folder / name).read_bytes(), name


def test_packing_twice_gives_the_same_bytes(done: Study, packed: Path, tmp_path: Path) -> None:
    pack(done, tmp_path / "again")
    assert contents(tmp_path / "again", ".") == contents(packed, ".")


def test_there_is_a_row_for_every_score_of_the_study(done: Study, packed: Path) -> None:
    rows, salt = read_scores(packed, 100_000), read_salt(done.folder, read_root(done.folder).salt)
    expected = []
    for cell in done.read_cells():
        for dose in doses_of(done, cell):
            for judge in done.frozen.judges_of(cell):
                for score in done.store.read_scores(judge.key, dose):
                    where = (cell.key, cell.purpose, cell.subject, cell.attack, cell.index, dose)
                    expected.append((*where, judge.probe, judge.role, judge.kind, salt.of_id(score.item), score.value))
    found = [
        (r.cell, r.purpose, r.subject, r.attack, r.seed, r.dose, r.probe, r.role, r.kind, r.item, r.value) for r in rows
    ]
    assert sorted(found, key=str) == sorted(expected, key=str)
    assert len(found) > 1000


def test_there_is_a_row_for_every_cell_and_dose(done: Study, packed: Path) -> None:
    rows, salt = read_cells(packed), read_salt(done.folder, read_root(done.folder).salt)
    expected = {(cell.key, dose) for cell in done.read_cells() for dose in doses_of(done, cell)}
    assert {(row.cell, row.dose) for row in rows} == expected
    for row in rows:
        assert row.dose is not None
        facts = done.store.read_facts(row.cell, row.dose)
        order = None if facts.order is None else salt.of_id(facts.order)
        assert (row.displacement, row.order) == (facts.displacement, order)
        assert row.spent_tokens == facts.spent.tokens
        assert json.loads(row.terms or "") == facts.terms


# ------------------------------------------------------------------------------------------------ its own scores only
def test_of_a_shared_store_only_what_the_study_rests_on_is_packed(done: Study, packed: Path, tmp_path: Path) -> None:
    shutil.copytree(packed, tmp_path / "out")
    unpack(tmp_path / "out")
    cells, scores = own(done)
    store = tmp_path / "out" / "packed"
    assert set(contents(store / "cells", ".")) == cells < set(contents(done.store.root / "cells", "."))
    assert set(contents(store / "scores", ".")) == scores < set(contents(done.store.root / "scores", "."))
    assert not (store / "failed").exists()


def test_what_another_study_read_beyond_the_end_of_a_curve_is_not_packed(
    copied: Study, packed: Path, tmp_path: Path
) -> None:
    """Both share the cell; the other one has a longer ladder, or is stopped later."""
    store, more = copied.store, 0
    for cell in copied.read_cells():
        last = doses_of(copied, cell)[-1]
        facts, answers = store.read_answers(cell.key, last)
        for dose in (*(dose for dose in cell.doses if dose > last), 1000):
            store.write_answers(cell.key, facts.model_copy(update={"dose": dose}), answers)
            for judge in copied.frozen.judges_of(cell):
                store.write_scores(judge.key, dose, store.read_scores(judge.key, last))
            more += 1
    assert more > len(copied.read_cells())
    pack(copied, tmp_path / "out")
    assert contents(tmp_path / "out", ".") == contents(packed, ".")


def test_packing_leaves_the_study_and_its_store_alone(copied: Study, tmp_path: Path) -> None:
    before = contents(copied.folder, "."), contents(copied.store.root, ".")
    pack(copied, tmp_path / "out")
    assert (contents(copied.folder, "."), contents(copied.store.root, ".")) == before


# ------------------------------------------------------------------------------------------------ no text
def every_byte(folder: Path) -> bytes:
    """All files of a pack as they are, and the columns and metadata of its tables decompressed."""
    found = [path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()]
    for path in sorted(folder.glob("*.parquet")):
        for column in pq.read_table(path).columns:
            found += [value.encode() for value in dict.fromkeys(map(str, column.to_pylist()))]
        found += [value for pair in (pq.read_metadata(path).metadata or {}).items() for value in pair]
    return b"\n".join(found)


def forms(text: str) -> list[bytes]:
    """A text as it is, and as JSON and Python write it."""
    return [form.encode() for form in {text, json.dumps(text)[1:-1], repr(text)[1:-1]}]


def test_no_prompt_reference_or_answer_is_in_any_byte_of_a_pack(copied: Study, tmp_path: Path) -> None:
    """Answers are marked before, for those of a tiny model are words like `ok`, which are everywhere."""
    store, texts = copied.store, set[str]()
    for path in store.root.glob("cells/*/*.jsonl"):
        facts, answers = store.read_answers(path.parent.name, int(path.stem))
        marked = [
            answer
            if answer.text is None
            else answer.model_copy(update={"text": f"{answer.text} said {path.parent.name[:6]} {facts.dose} {number}."})
            for number, answer in enumerate(answers)
        ]
        store.write_answers(path.parent.name, facts, marked)
        texts |= {answer.text for answer in marked if answer.text is not None}
    for digest in copied.frozen.rows.values():
        rows = [Row.from_json(line) for line in read_lines(store.data(digest))]
        texts |= {text for row in rows for text in (row.prompt, row.id, row.group)}
    for digest in copied.frozen.items.values():
        items = [Item.from_json(line) for line in read_lines(store.data(digest))]
        texts |= {text for item in items for text in (item.prompt, item.id, item.group)}
    assert len(texts) > 1000
    assert min(map(len, texts)) > 3, "shorter ones are everywhere"
    register(copied.folder, copied.frozen)
    (copied.folder / "verdict.json").unlink()
    seal(copied, cells_of(copied))
    pack(copied, tmp_path / "out")
    content = every_byte(tmp_path / "out")
    assert copied.read_cells()[0].key.encode() in content
    assert [text for text in texts if any(form in content for form in forms(text))] == []


def test_the_rows_that_exemplify_an_overlap_are_left_out(done: Study, tmp_path: Path) -> None:
    shared = Overlap(first="a/b", second="c/d", exact=1, near=0, example=("one secret row", "another secret row"))
    frozen = done.frozen.model_copy(update={"overlaps": (shared,)})
    study, salt = replace(done, frozen=frozen), read_salt(done.folder, read_root(done.folder).salt)
    write_tables(study, tuple(cells_of(study)), salt, tmp_path / "out")
    assert b"secret row" not in every_byte(tmp_path / "out")
    assert read_whole(tmp_path / "out").frozen.overlaps == (shared.model_copy(update={"example": None}),)


def test_the_id_of_an_item_is_the_same_digest_in_every_row_and_no_other_item_has_it(packed: Path, done: Study) -> None:
    rows = [
        row for row in read_scores(packed, 100_000) if row.probe == "harm:red" and row.dose == 0 and row.role == "harm"
    ]
    assert len({row.item for row in rows}) == len(done.frozen.item_ids[ProbeId("harm:red")]) == 16


# ------------------------------------------------------------------------------------------------ what cannot be packed
def test_a_folder_that_holds_something_is_not_packed_into(done: Study, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("")
    with pytest.raises(InputError, match="the folder is not empty"):
        pack(done, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_a_study_without_an_end_is_not_packed(tmp_path: Path) -> None:
    study = begin(tmp_path)
    with pytest.raises(UnfinishedError, match="has not been run yet"):
        pack(study, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_packed_study_is_not_packed_again(packed: Path, tmp_path: Path) -> None:
    with pytest.raises(UnfinishedError, match="it is packed. Run it: `titer run"):
        pack(read_study(packed), tmp_path / "out")


def test_a_number_that_a_column_cannot_hold_is_told(packed: Path, tmp_path: Path) -> None:
    row: CellRow = read_cells(packed)[0]
    with pytest.raises(RunError, match="a number needs more than 64 bits"):
        write_cells(tmp_path, [row._replace(spent_flops=2**63)], read_whole(packed))
