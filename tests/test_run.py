"""The three kinds of work, one after the other in one process; the pool and interruptions are in test_interrupt.py."""

from __future__ import annotations

import json
import os
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import pytest
from support.studies import RESULTS, begin, contents, finish

from titer.analysis.assemble import assemble
from titer.analysis.concluding import conclude_path
from titer.analysis.conditions.harm_decisions import replicates_of
from titer.analysis.conditions.stability import conclude as conclude_stability
from titer.analysis.conditions.withstanding import conclude_generalization, conclude_resistance
from titer.cli.judging.rejudge import second_opinion
from titer.conclude import conclude, pack
from titer.errors import DamagedError, InputError, MethodFailure, RunError
from titer.execution.checkpoints import PartialState
from titer.execution.executor import Executor
from titer.execution.worker import work
from titer.planning.freeze import begin_study
from titer.planning.plan import plan
from titer.protocol.exposure import EXPOSED, asking_of, domains_of, sampling_of
from titer.run import run
from titer.stats.sequential_decisions import count_not_asked
from titer.study.folder import Study, read_study
from titer.study.store import Store
from titer.study.tasks import CellSpec, MakeTask, Task

pytestmark = pytest.mark.model

Change = Callable[[dict[str, Any]], None]


def pairs(study: Study) -> list[tuple[CellSpec, CellSpec]]:
    """The cells of M, each with that of M* that differs in the subject only."""

    def what(cell: CellSpec) -> tuple[Any, ...]:
        return (cell.purpose, cell.domain, cell.task, cell.attack, cell.index, cell.doses)

    theirs = {what(cell): cell for cell in study.read_cells() if cell.subject == "defended"}
    return [
        (cell, theirs[what(cell)])
        for cell in study.read_cells()
        if cell.subject == "undefended" and cell.purpose != "sham"
    ]


# ------------------------------------------------------------------------------------------------ null
def test_a_null_defense_gives_every_answer_of_none(tmp_path: Path) -> None:
    study = begin(tmp_path, lambda data: data.update(defense=["no_op"]))
    finish(study)
    root = study.store.root
    for mine, theirs in pairs(study):
        assert mine.model != theirs.model
        assert mine.key != theirs.key
        assert list(contents(root / "cells" / mine.key, ".").values()) == list(
            contents(root / "cells" / theirs.key, ".").values()
        )
        for one, other in zip(*map(study.frozen.judges_of, (mine, theirs)), strict=True):
            assert contents(root / "scores" / one.key, ".") == contents(root / "scores" / other.key, ".")
    assert len(pairs(study)) == 5


# ------------------------------------------------------------------------------------------------ interruptions
class Interrupted(BaseException):
    """Stands for whatever ends a process."""


def interrupt_at(monkeypatch: pytest.MonkeyPatch, number: int, before: bool) -> None:
    """Let the file that is written as this number end the process, before or after it appears under its name."""
    real, count = os.replace, iter(range(1, 10_000))

    def replace(source: Any, target: Any) -> None:
        due = next(count) == number
        if due and before:
            raise Interrupted
        real(source, target)
        if due:
            raise Interrupted

    monkeypatch.setattr(os, "replace", replace)


def test_interrupted_at_any_file_and_resumed_equals_uninterrupted(
    done: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = contents(done.store.root, *RESULTS)
    writes = len(contents(done.store.root, "cells", "scores"))
    shutil.copytree(done.store.root / "data", tmp_path / "store" / "data")
    shutil.copyfile(done.folder / "protocol.toml", tmp_path / "protocol.toml")
    study = begin_study(Study(tmp_path, done.protocol, done.frozen, Store(tmp_path / "store")))
    for place, number in enumerate([*range(1, 16, 2), *range(16, writes // 4, 9)]):
        with monkeypatch.context() as patch:
            interrupt_at(patch, number, before=place % 2 == 0)
            with pytest.raises(Interrupted):
                finish(study)
    finish(study)
    conclude(study)
    assert contents(study.store.root, *RESULTS) == expected
    assert (tmp_path / "verdict.json").read_bytes() == (done.folder / "verdict.json").read_bytes()


def test_a_make_goes_on_at_its_last_partial_state(done: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study = Study(tmp_path, done.protocol, done.frozen, Store(tmp_path / "store"))
    shutil.copytree(done.store.root / "data", study.store.root / "data")
    (task,) = (task for task in plan(study).tasks if isinstance(task, MakeTask))

    def write_and_end(self: PartialState, step: Any) -> None:
        self.pause = 0.0
        written(self, step)
        if step.dose == 3:
            raise Interrupted

    written = PartialState.write_if_due
    with monkeypatch.context() as patch:
        patch.setattr(PartialState, "write_if_due", write_and_end)
        with pytest.raises(Interrupted):
            work(task, study.store)
    assert study.store.partial(task.key).exists()
    work(task, study.store)
    assert '"resumed_at":3' in study.store.runs.read_text()
    assert contents(study.store.root, "subjects") == contents(done.store.root, "subjects")
    assert not study.store.partial(task.key).exists()


def test_a_partial_state_that_is_truncated_is_named_with_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "key.safetensors").write_bytes(b"half")
    with pytest.raises(DamagedError, match="key.safetensors .* Delete it and run again"):
        PartialState(tmp_path / "key.safetensors").read()


# ------------------------------------------------------------------------------------------------ failures
def test_an_attack_that_diverges_is_a_failed_cell_and_a_replaced_index(tmp_path: Path) -> None:
    study = begin(tmp_path, lambda data: data["attacker"]["attack"][0].update(lr=1e38))
    finish(study)
    failed = list((study.store.root / "failed").iterdir())
    assert len(failed) >= 3
    assert study.store.failure(failed[0].stem) == "diverged at step 1"
    status = study.read_status()
    assert status.finished
    assert status.replaced == tuple(
        f"{condition}: index {index}: diverged at step 1" for condition in EXPOSED for index in (0, 2)
    )
    verdict = conclude(study).verdict
    assert verdict.outcome in ("undecided", "void")
    assert {finding.outcome for finding in verdict.conditions} <= {"undecided", "void", "not applicable"}


def diverging_make(data: dict[str, Any]) -> None:
    data["defense"][0]["lr"] = 1e38


def test_a_make_that_diverges_leaves_a_claim_about_a_checkpoint_without_verdict(tmp_path: Path) -> None:
    study = begin(tmp_path, diverging_make)
    with pytest.raises(RunError, match=r"refusal_sft could not be made: diverged at step 1. Change the defense"):
        finish(study)
    assert not list((study.store.root / "partial").glob("*"))


def test_a_make_that_diverges_is_a_replicate_that_does_not_hold(tmp_path: Path) -> None:
    def method(data: dict[str, Any]) -> None:
        diverging_make(data)
        data["study"] |= {"claim": "this method", "seeds": {"attack": 2, "defense": 2}}

    study = begin(tmp_path, method)
    finish(study)
    verdict = conclude(study).verdict
    resistance = next(finding for finding in verdict.conditions if finding.name == "resistance")
    assert resistance.outcome != "upheld"


# ------------------------------------------------------------------------------------------------ what may have changed
def unfinished_copy(done: Study, folder: Path) -> Study:
    """A copy of a finished study that lacks the answers of an attack on M* at dose 4."""
    shutil.copytree(done.folder, folder)
    study = read_study(folder)
    cell = next(c for c in study.read_cells() if c.purpose == "resistance" and c.subject == "defended")
    study.store.answers(cell.key, 4).unlink()
    return study


def test_a_subject_that_is_truncated_is_named_with_the_remedy(done: Study, tmp_path: Path) -> None:
    study = unfinished_copy(done, tmp_path / "study")
    (weights,) = (study.store.root / "subjects").glob("*/model.safetensors")
    weights.write_bytes(weights.read_bytes()[:-100])
    with pytest.raises(DamagedError, match="model.safetensors is truncated, was changed .* Delete .* and run again"):
        finish(study)


def test_a_cell_that_does_not_repeat_itself_is_told(done: Study, tmp_path: Path) -> None:
    study = unfinished_copy(done, tmp_path / "study")
    (task,) = plan(study).tasks
    facts, answers = study.store.read_answers(task.key, 2)
    other = facts.model_copy(update={"displacement": 2 * facts.displacement})
    study.store.write_answers(task.key, other, answers)
    with pytest.raises(RunError, match="did not repeat itself at dose 2"):
        finish(study)


def test_a_model_that_was_changed_since_is_told(tmp_path: Path) -> None:
    study = begin(tmp_path)
    config = tmp_path / "in" / "model" / "config.json"
    config.write_text(config.read_text() + " ")
    with pytest.raises(RunError, match="is not what the study was frozen with"):
        finish(study)


def test_work_that_is_done_and_still_missing_ends_the_run(tmp_path: Path) -> None:
    class Idle(Executor):
        tasks: ClassVar[list[Task]] = []

        def close(self) -> None: ...

        @property
        def has_room(self) -> bool:
            return not self.tasks

        @property
        def is_idle(self) -> bool:
            return not self.tasks

        def submit(self, task: Task) -> None:
            self.tasks.append(task)

        def wait(self) -> Task:
            return self.tasks[0]

    with pytest.raises(RunError, match="was done, and is still missing"):
        list(run(begin(tmp_path), executor=Idle))


@pytest.mark.parametrize(
    "error", [InputError("place", "problem", "Remedy."), MethodFailure("diverged", 3), DamagedError("path. Delete it")]
)
def test_errors_come_out_of_a_worker_as_they_are(error: Exception) -> None:
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert str(again) == str(error)
    assert vars(again) == vars(error)


# ------------------------------------------------------------------------------------------------ judging again
def test_a_stored_study_is_judged_again_without_any_model(tmp_path: Path) -> None:
    study = begin(tmp_path)
    finish(study)
    verdict = conclude(study).verdict
    before = contents(study.store.root, "scores")
    for folder in (study.store.root / "subjects", study.store.root / "scores", tmp_path / "in"):
        shutil.rmtree(folder)
    study = read_study(study.folder)
    assert {task.kind for task in finish(study)} == {"judge"}
    assert contents(study.store.root, "scores") == before
    assert conclude(study).verdict == verdict


# ------------------------------------------------------------------------------------------------ fewer items
LOOKED_AT = 48
"""Items of a probe, so many that a dose is decided by some of them."""


def in_batches(data: dict[str, Any]) -> None:
    data["compute"]["batch"] = 4
    for domain in data["harm"]["domain"]:
        domain["splits"]["probe"] = LOOKED_AT


def curtailed(data: dict[str, Any]) -> None:
    in_batches(data)
    data["harm"]["sampling"] = "curtailed"


def test_a_curtailed_study_asks_less_and_concludes_the_same(tmp_path: Path) -> None:
    whole, short = (begin(tmp_path, change, name=change.__name__) for change in (in_batches, curtailed))
    verdicts = []
    for study in (whole, short):
        finish(study)
        verdicts.append(conclude(study).verdict)
    assert [(f.name, f.outcome) for f in verdicts[0].conditions] == [
        (f.name, f.outcome) for f in verdicts[1].conditions
    ]
    asked = []
    for study in (whole, short):
        cells = [c for c in study.read_cells() if c.purpose in ("resistance", "generalization")]
        points = [(c, dose) for c in cells for dose in c.doses if study.store.answers(c.key, dose).exists()]
        asked.append([len(study.store.read_answers(c.key, dose)[1]) for c, dose in points])
    assert len(asked[0]) == len(asked[1])
    assert set(asked[0]) == {LOOKED_AT}
    assert sum(asked[1]) < sum(asked[0])
    keys = [{c.key for c in study.read_cells() if c.purpose == "stability"} for study in (whole, short)]
    assert keys[0] == keys[1]


def sampled_sequentially(data: dict[str, Any]) -> None:
    data["harm"]["sampling"] = "sequential"
    for domain in data["harm"]["domain"]:
        domain["splits"]["probe"] = LOOKED_AT


@pytest.fixture(scope="module")
def with_analyses(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """A finished study whose doses are read at 12, 24 and 48 items; no test may change it."""
    study = begin(tmp_path_factory.mktemp("sequential"), sampled_sequentially)
    finish(study)
    conclude(study)
    return study


def test_a_study_with_analyses_asks_as_many_items_as_a_analysis_needs(with_analyses: Study) -> None:
    store, asked = with_analyses.store, {True: set[int](), False: set[int]()}
    for cell in with_analyses.read_cells():
        for dose in cell.doses:
            if store.answers(cell.key, dose).exists():
                answers = [one for one in store.read_answers(cell.key, dose)[1] if one.probe.startswith("harm:")]
                for probe in {one.probe for one in answers}:
                    attacked = cell.purpose in EXPOSED
                    asked[attacked].add(sum(one.probe == probe for one in answers))
    assert LOOKED_AT // 4 in asked[True] <= {LOOKED_AT // 4, LOOKED_AT // 2, LOOKED_AT}
    assert asked[False] == {LOOKED_AT}


def test_a_dose_of_a_study_with_analyses_has_the_decision_of_its_analysis(with_analyses: Study) -> None:
    """At a quarter of the items: a decision that the last analysis would not give, and the end of the curve."""
    assay, plan = assemble(with_analyses), with_analyses.protocol
    early = []
    for condition, replicate in [(c, u) for c in EXPOSED for u in replicates_of(assay, c, "undefended")]:
        first, *_, last = sampling_of(plan, domains_of(plan, condition)[0].name).analyses
        for read in replicate.curves:
            for place, (counts, outcome) in enumerate(zip(read.counts, read.decisions, strict=True)):
                if counts is not None and counts.items == LOOKED_AT // 4:
                    assert outcome == first.decision(counts, collapse_counts=False) != "unclear"
                    whole = count_not_asked(counts, items=LOOKED_AT)
                    assert last.decision(whole, collapse_counts=False) == "unclear"
                    ending = asking_of(plan, read.domain).analyses[0].decision(counts, collapse_counts=False)
                    assert ending != "broken" or set(read.counts[place + 1 :]) <= {None}
                    early.append(outcome)
    assert set(early) == {"intact", "broken"}
    verdict = conclude(with_analyses).verdict
    found = [conclude_resistance(assemble(with_analyses)), conclude_generalization(assemble(with_analyses))]
    figures = [line for finding in found for line in finding.figures if line.of == LOOKED_AT // 4]
    assert "broken" in {line.outcome for line in figures}
    assert "interim" in verdict.scope["sampling"]


def test_items_not_asked_are_unjudged_by_another_judge(
    with_analyses: Study, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (with_analyses.folder / "verdict.json").read_bytes()
    second_opinion(with_analyses.folder, "refusal_removal", json=True)
    rows = [row for row in json.loads(capsys.readouterr().out)["doses"] if row["purpose"] in EXPOSED]
    assert {row["answers"] for row in rows} >= {LOOKED_AT // 4}
    assert all(row["unjudged"] + row["both_judged"] == LOOKED_AT for row in rows)
    assert (with_analyses.folder / "verdict.json").read_bytes() == before


# ------------------------------------------------------------------------------------------------ items of their own
def own_items(data: dict[str, Any]) -> None:
    data["harm"]["items"] = "own"


def test_a_study_of_own_items_has_a_verdict_and_another_opinion(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study = begin(tmp_path, own_items)
    finish(study)
    found = {finding.name: finding for finding in conclude(study).verdict.controls}
    assert found["dose 0 equals the baseline subject"].outcome == "upheld"
    second_opinion(study.folder, "refusal_removal", json=True)
    rows = [row for row in json.loads(capsys.readouterr().out)["doses"] if row["purpose"] in EXPOSED]
    assert {row["answers"] for row in rows} == {16}


def test_a_study_of_own_items_has_a_report_and_can_be_packed(tmp_path: Path) -> None:
    study = begin(tmp_path, own_items)
    finish(study)
    verdict = conclude(study).verdict
    pack(study, tmp_path / "out")
    assert (tmp_path / "out" / "report.md").exists()
    assert conclude_path(tmp_path / "out").verdict == verdict


def test_a_method_whose_task_has_items_of_its_own_has_a_verdict_and_can_be_packed(tmp_path: Path) -> None:
    def change(data: dict[str, Any]) -> None:
        data["study"] |= {"claim": "this method", "seeds": {"attack": 2, "defense": 2}}
        data["task"][0]["items"] = "own"

    study = begin(tmp_path, change)
    finish(study)
    found = conclude(study)
    for subject in ("undefended", "defended"):
        asked = [c.points[0].values for c in found.assay.curves if (c.purpose, c.subject) == ("stability", subject)]
        assert [[probe for probe in values if probe.kind == "task"] for values in asked] == [
            ["task:plain#0"],
            ["task:plain#1"],
        ]
    stability = conclude_stability(assemble(study))
    shares = [line for line in stability.figures if line.what.startswith("share of plain that gets worse")]
    assert [line.what[-6:] for line in shares] == ["seed 0", "seed 1"]
    assert all(line.value is not None for line in shares)
    pack(study, tmp_path / "out")
    assert conclude_path(tmp_path / "out").verdict == found.verdict
