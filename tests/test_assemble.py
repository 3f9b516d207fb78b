"""From a study folder to an assay."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from studies import begin, finish

from titer.analysis.assemble import assemble
from titer.analysis.findings import FailedMake
from titer.conclude import conclude
from titer.errors import UnfinishedError
from titer.planning.plan import plan
from titer.study.folder import Study, read_study
from titer.study.tasks import MakeTask, Standing


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """A finished study; no test may change it."""
    study = begin(tmp_path_factory.mktemp("done"))
    finish(study)
    return study


def test_every_trace_is_there_with_its_readings_in_the_order_of_the_items(done: Study) -> None:
    assay = assemble(done)
    found = {(t.purpose, t.subject, t.domain, t.index) for t in assay.traces}
    assert found == {
        *(("resistance", subject, "red", index) for subject in ("M", "M*") for index in (0, 1)),
        *(("generalization", subject, "blue", index) for subject in ("M", "M*") for index in (0, 1)),
        *(("sham", "M", None, index) for index in (0, 1)),
        *(("stability", subject, None, 0) for subject in ("M", "M*")),
    }
    assert len(assay.traces) == len(found)
    trace = next(t for t in assay.traces if (t.purpose, t.subject, t.index) == ("resistance", "M", 1))
    assert [rung.facts.dose for rung in trace.rungs] == [0, 2, 4]
    cell = next(cell for cell in done.read_cells() if cell.key == trace.cell)
    judge = next(judge for judge in cell.judges if judge.role == "harm")
    readings = done.store.read_readings(judge.key, 4)
    assert tuple(reading.item for reading in readings) == assay.items["harm:red"]
    assert tuple(reading.value for reading in readings) == trace.rungs[-1].values["harm:red"]["harm"]
    assert assay.kinds["harm:red"]["harm"] == "harm"
    assert assay.chance == {"task:plain": None}


def cosine(data: dict[str, Any]) -> None:
    data["attacker"]["attack"][0] |= {"schedule": "cosine", "lr": 1e-3}


def test_the_cells_of_an_attack_that_depends_on_its_horizon_are_one_trace(tmp_path: Path) -> None:
    study = begin(tmp_path, cosine)
    finish(study)
    trace = next(t for t in assemble(study).traces if (t.purpose, t.subject, t.index) == ("resistance", "M", 0))
    assert trace.doses == (0, 2, 4, 8)
    assert [rung.facts.dose for rung in trace.rungs] == [0, 2, 4, 8]


def test_the_means_of_a_rung_do_not_depend_on_the_ladder(done: Study) -> None:
    rungs = [rung for trace in assemble(done).traces for rung in trace.rungs if rung.facts.dose > 0]
    assert all({"loss", "gradient_norm"} <= rung.facts.terms.keys() for rung in rungs)
    rung = rungs[0].facts
    assert rung.spent.examples == 4 * rung.dose
    assert rung.displacement > 0


# ------------------------------------------------------------------------------------------------ unfinished
def copied(done: Study, folder: Path) -> Study:
    shutil.copytree(done.folder, folder)
    return read_study(folder)


def test_a_study_whose_run_has_not_come_to_its_end_has_no_verdict(done: Study, tmp_path: Path) -> None:
    study = copied(done, tmp_path / "study")
    study.keep_plan(study.read_cells(), Standing(finished=False, replaced=()))
    with pytest.raises(UnfinishedError, match="is not finished: `titer run"):
        conclude(study)
    assert not (study.folder / "verdict.json").exists()


@pytest.mark.parametrize("what", ["read", "judged"])
def test_what_is_missing_is_told(done: Study, tmp_path: Path, what: str) -> None:
    study = copied(done, tmp_path / "study")
    cell = next(c for c in study.read_cells() if (c.purpose, c.subject, c.index) == ("generalization", "M*", 1))
    path = study.store.answers(cell.key, 2) if what == "read" else study.store.readings(cell.judges[1].key, 2)
    path.unlink()
    with pytest.raises(
        UnfinishedError, match=rf"generalization, M\*, blue, seed index 1 was not {what} at dose 2. `titer run"
    ):
        assemble(study)


# ------------------------------------------------------------------------------------------------ failures
def test_seed_indices_that_were_replaced_are_listed(tmp_path: Path) -> None:
    study = begin(tmp_path)
    first = next(cell for cell in plan(study).cells if cell.purpose == "resistance")
    study.store.write_failure(first.key, "diverged at step 3")
    finish(study)
    assay = assemble(study)
    assert assay.replaced == ("index 0: diverged at step 3",)
    assert {trace.index for trace in assay.traces} == {1, 2}
    assert not [trace for trace in assay.traces if trace.failed]


def test_a_make_that_failed_leaves_m_alone_in_its_unit(tmp_path: Path) -> None:
    def method(data: dict[str, Any]) -> None:
        data["study"] |= {"claim": "this method", "seeds": {"attack": 2, "defense": 2}}

    study = begin(tmp_path, method)
    first, _ = (task for task in plan(study).tasks if isinstance(task, MakeTask))
    study.store.write_failure(first.key, "diverged at step 2")
    finish(study)
    assay = assemble(study)
    assert assay.failed_makes == (FailedMake(index=0, reason="diverged at step 2"),)
    assert assay.replaced == ()
    assert {t.index for t in assay.traces if t.subject == "M" and t.purpose == "resistance"} == {0, 1}
    assert {t.index for t in assay.traces if t.subject == "M*"} == {1}
    resistance = next(finding for finding in conclude(study).conditions if finding.name == "resistance")
    assert "1 unclear" in resistance.because or "0 of 2 seeds intact" in resistance.because
