"""A packed study: without models, without texts if asked, and still a study."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from support.studies import begin, contents, finish

from titer.analysis.assemble import assemble
from titer.conclude import conclude
from titer.data.identifiers import ProbeId
from titer.errors import InputError
from titer.planning.freeze import restore_data
from titer.planning.plan import plan
from titer.study.folder import Study, read_study
from titer.study.packing import pack


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """A finished study of a store that another study uses too; no test may change it."""
    folder = tmp_path_factory.mktemp("done")
    finish(begin(folder, lambda data: data["study"].update(store="../shared", seeds={"attack": 3}), name="other"))
    study = begin(folder, lambda data: data["study"].update(store="../shared"))
    finish(study)
    conclude(study)
    return study


def test_a_packed_study_is_finished_and_says_the_same(done: Study, tmp_path: Path) -> None:
    pack(done, tmp_path / "out", without_text=True)
    packed = read_study(tmp_path / "out")
    assert plan(packed).tasks == ()
    assert plan(packed).cells == plan(done).cells
    assert assemble(packed) == assemble(done)
    before = (tmp_path / "out" / "verdict.json").read_bytes()
    conclude(packed)
    assert (tmp_path / "out" / "verdict.json").read_bytes() == before


def test_the_charts_that_the_report_shows_go_along(done: Study, tmp_path: Path) -> None:
    (done.folder / "harm.svg").write_text("<svg/>")
    pack(done, tmp_path / "out", without_text=True)
    assert (tmp_path / "out" / "harm.svg").read_text() == "<svg/>"


def test_no_text_is_left_without_text(done: Study, tmp_path: Path) -> None:
    pack(done, tmp_path / "out", without_text=True)
    packed = read_study(tmp_path / "out")
    texts = 0
    for cell in packed.read_cells():
        _, ours = done.store.read_answers(cell.key, 0)
        facts, theirs = packed.store.read_answers(cell.key, 0)
        assert facts == done.store.read_facts(cell.key, 0)
        for one, other in zip(ours, theirs, strict=True):
            assert other.text is None
            assert (other.text_digest is None) == (one.text is None)
            assert other.option_nats == one.option_nats
            texts += one.text is not None
    assert texts > 100
    asked = next(
        iter(done.store.data(done.frozen.items[ProbeId("harm:red")]).read_text().split('"prompt":"')[1:])
    ).split('"')[0]
    assert not [name for name, content in contents(tmp_path / "out", ".").items() if asked.encode() in content]
    assert not (packed.store.root / "data").exists()
    assert not (packed.store.root / "subjects").exists()


def test_all_but_the_models_is_packed_with_text(done: Study, tmp_path: Path) -> None:
    pack(done, tmp_path / "out", without_text=False)
    packed = read_study(tmp_path / "out")
    for cell in packed.read_cells():
        assert contents(packed.store.root / "cells", cell.key) == contents(done.store.root / "cells", cell.key)
    assert not (packed.store.root / "subjects").exists()
    shutil.rmtree(packed.store.root / "scores")
    assert {task.kind for task in finish(packed)} == {"judge"}
    assert assemble(packed) == assemble(done)


def test_only_the_cells_of_the_study_are_packed(done: Study, tmp_path: Path) -> None:
    pack(done, tmp_path / "out", without_text=True)
    packed = {path.name for path in (tmp_path / "out" / "packed" / "cells").iterdir()}
    assert packed == {cell.key for cell in done.read_cells()}
    assert packed < {path.name for path in (done.store.root / "cells").iterdir()}


def test_packing_beside_the_study_leaves_their_store_alone(done: Study) -> None:
    before = contents(done.store.root, ".")
    pack(done, done.folder.parent / "beside", without_text=True)
    assert contents(done.store.root, ".") == before


def test_a_packed_study_can_go_on(done: Study, tmp_path: Path) -> None:
    pack(done, tmp_path / "out", without_text=True)
    packed = read_study(tmp_path / "out")
    cell = next(cell for cell in packed.read_cells() if cell.purpose == "resistance" and cell.subject == "defended")
    packed.store.answers(cell.key, 2).unlink()
    restore_data(packed)
    assert [task.kind for task in finish(packed)] == ["make", "expose"]
    assert packed.store.answers(cell.key, 2).read_bytes() == done.store.answers(cell.key, 2).read_bytes()
    assert assemble(packed) == assemble(done)


def test_a_folder_that_holds_something_is_not_packed_into(done: Study, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("")
    with pytest.raises(InputError, match="the folder is not empty"):
        pack(done, tmp_path, without_text=True)
