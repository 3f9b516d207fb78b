"""From a study folder to an assay."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.studies import begin, copied, finish

from titer.analysis.assemble import assemble
from titer.analysis.conditions.withstanding import conclude_resistance
from titer.analysis.findings import FailedMake
from titer.analysis.seed_indices import replaced_indices
from titer.conclude import conclude
from titer.data.identifiers import ProbeId
from titer.errors import UnfinishedError
from titer.planning.plan import plan
from titer.study.folder import Study
from titer.study.root import register
from titer.study.tasks import MakeTask, RunStatus

pytestmark = pytest.mark.model


def test_every_curve_is_there_with_its_readings_in_the_order_of_the_items(done: Study) -> None:
    assay = assemble(done)
    found = {(t.purpose, t.subject, t.domain, t.index) for t in assay.curves}
    assert found == {
        *(("resistance", subject, "red", index) for subject in ("undefended", "defended") for index in (0, 1)),
        *(("generalization", subject, "blue", index) for subject in ("undefended", "defended") for index in (0, 1)),
        *(("sham", subject, None, index) for subject in ("undefended", "defended") for index in (0, 1)),
        *(("stability", subject, None, 0) for subject in ("undefended", "defended")),
    }
    assert len(assay.curves) == len(found)
    curve = next(t for t in assay.curves if (t.purpose, t.subject, t.index) == ("resistance", "undefended", 1))
    assert [point.facts.dose for point in curve.points] == [0, 2, 4]
    cell = next(cell for cell in done.read_cells() if cell.key == curve.cells[0].key)
    judge = next(judge for judge in done.frozen.judges_of(cell) if judge.role == "harm")
    scores = done.store.read_scores(judge.key, 4)
    ids, numbers = (found[ProbeId("harm:red")] for found in (done.frozen.item_ids, assay.items))
    assert tuple(score.item for score in scores) == ids
    assert len(numbers) == len(set(numbers)) == len(set(ids)), "one number an item"
    assert tuple(score.value for score in scores) == curve.points[-1].values[ProbeId("harm:red")]["harm"]
    assert assay.kinds[ProbeId("harm:red")]["harm"] == "harm"
    assert assay.chance == {"task:plain": None}


def cosine(data: dict[str, Any]) -> None:
    data["attacker"]["attack"][0] |= {"schedule": "cosine", "lr": 1e-3}


def test_the_cells_of_an_attack_that_depends_on_its_horizon_are_one_curve(tmp_path: Path) -> None:
    study = begin(tmp_path, cosine)
    finish(study)
    curve = next(
        t for t in assemble(study).curves if (t.purpose, t.subject, t.index) == ("resistance", "undefended", 0)
    )
    assert curve.doses == (0, 2, 4, 8)
    assert [point.facts.dose for point in curve.points] == [0, 2, 4, 8]


def test_the_means_of_a_dose_do_not_depend_on_the_ladder(done: Study) -> None:
    points = [point for curve in assemble(done).curves for point in curve.points if point.facts.dose > 0]
    assert all({"loss", "gradient_norm"} <= point.facts.terms.keys() for point in points)
    point = points[0].facts
    assert point.spent.examples == 4 * point.dose
    assert point.displacement > 0


# ------------------------------------------------------------------------------------------------ unfinished
def test_a_study_whose_run_has_not_come_to_its_end_has_no_verdict(done: Study, tmp_path: Path) -> None:
    study = copied(done.folder, tmp_path / "study")
    (study.folder / "verdict.json").unlink()
    register(study.folder, study.frozen)
    study.keep_plan(study.read_cells(), RunStatus(finished=False, replaced=()))
    with pytest.raises(UnfinishedError, match="nothing that is planned so far is missing. Finish it: `titer"):
        conclude(study)
    assert not (study.folder / "verdict.json").exists()


@pytest.mark.parametrize("what", ["read", "judged"])
def test_what_is_missing_is_told(done: Study, tmp_path: Path, what: str) -> None:
    study = copied(done.folder, tmp_path / "study")
    cell = next(c for c in study.read_cells() if (c.purpose, c.subject, c.index) == ("generalization", "defended", 1))
    path = (
        study.store.answers(cell.key, 2)
        if what == "read"
        else study.store.scores(study.frozen.judges_of(cell)[1].key, 2)
    )
    path.unlink()
    with pytest.raises(
        UnfinishedError,
        match=rf"generalization, defended, blue, seed index 1 was not {what} at dose 2. Finish it",
    ):
        assemble(study)


# ------------------------------------------------------------------------------------------------ failures
def test_seed_indices_that_were_replaced_are_listed(tmp_path: Path) -> None:
    study = begin(tmp_path)
    failing = [cell for cell in plan(study).cells if (cell.purpose, cell.index) == ("resistance", 0)]
    for cell in failing:
        study.store.write_failure(cell.key, "diverged at step 3")
    finish(study)
    assay = assemble(study)
    assert replaced_indices(assay) == ("resistance: index 0: diverged at step 3",)
    assert replaced_indices(assay) == study.read_status().replaced
    found = {(t.purpose, t.subject, t.index): t for t in assay.curves}
    resistance = {(subject, index) for purpose, subject, index in found if purpose == "resistance"}
    assert resistance == {(subject, index) for subject in ("undefended", "defended") for index in (0, 1, 2)}
    assert {(t.purpose, t.index) for t in assay.curves if t.failed} == {("resistance", 0)}
    assert found["resistance", "undefended", 0].points == ()
    assert {index for purpose, _, index in found if purpose == "generalization"} == {0, 1}


def test_a_make_that_failed_leaves_m_alone_in_its_replicate(tmp_path: Path) -> None:
    def method(data: dict[str, Any]) -> None:
        data["study"] |= {"claim": "this method", "seeds": {"attack": 2, "defense": 2}}

    study = begin(tmp_path, method)
    first, _ = (task for task in plan(study).tasks if isinstance(task, MakeTask))
    study.store.write_failure(first.key, "diverged at step 2")
    finish(study)
    assay = assemble(study)
    assert assay.failed_makes == (FailedMake(index=0, reason="diverged at step 2"),)
    assert replaced_indices(assay) == ()
    assert {t.index for t in assay.curves if t.subject == "undefended" and t.purpose == "resistance"} == {0, 1}
    assert {t.index for t in assay.curves if t.subject == "defended"} == {1}
    resistance = conclude_resistance(assay)
    assert "0 of 2 runs stayed clearly below" in resistance.reason
    assert "1 of the models could not be made, and count as not withstanding (index 0: diverged at step 2)" in (
        resistance.reason
    )
