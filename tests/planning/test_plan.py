"""What plan asks for, and when."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.rows import write_jsonl
from support.studies import RESULTS, begin, contents, copied, finish

from titer.analysis.assemble import assemble
from titer.analysis.conditions.harm_decisions import replicates_of
from titer.analysis.seed_indices import replaced_indices, seed_indices
from titer.data.identifiers import ProbeId, SplitId
from titer.errors import RunError
from titer.execution.worker import work
from titer.planning.cells import CellBuilder
from titer.planning.curves import PlannedCurve
from titer.planning.plan import Planner, plan
from titer.protocol import exposure
from titer.protocol.exposure import EXPOSED
from titer.study.folder import Study
from titer.study.tasks import CellSpec, ExposeTask, JudgeTask, MakeTask

Change = Callable[[dict[str, Any]], None]


def both(*changes: Change) -> Change:
    """One change after the other."""

    def change(data: dict[str, Any]) -> None:
        for one in changes:
            one(data)

    return change


def asked(study: Study, **named: Any) -> list[CellSpec]:
    """The planned cells with these fields."""
    return [cell for cell in plan(study).cells if all(getattr(cell, name) == value for name, value in named.items())]


def exposures(study: Study, index: int, place: int | None = None) -> list[PlannedCurve]:
    """The curves of both conditions on exposure at one seed index."""
    builder = CellBuilder(study, index)
    at = index if place is None else place
    return [curve for condition in EXPOSED for curve in builder.exposures(condition, at, {})]


def doses_read(study: Study, cell: CellSpec) -> list[int]:
    return sorted(int(path.stem) for path in study.store.answers(cell.key, 0).parent.glob("*.jsonl"))


# ------------------------------------------------------------------------------------------------ purity, order
def test_plan_is_pure(tmp_path: Path) -> None:
    study = begin(tmp_path)
    before = contents(tmp_path, ".")
    assert plan(study) == plan(study)
    assert contents(tmp_path, ".") == before


def test_makes_come_first_and_nothing_is_asked_of_a_subject_that_is_not_made(tmp_path: Path) -> None:
    first = plan(begin(tmp_path))
    kinds = [task.kind for task in first.tasks]
    assert kinds == ["make"] + ["expose"] * (len(kinds) - 1)
    made = {task.key for task in first.tasks if isinstance(task, MakeTask)}
    assert not [task for task in first.tasks if isinstance(task, ExposeTask) and task.inputs.subject.key in made]
    assert first.unfinished == len(first.cells)


def test_nothing_is_asked_of_a_finished_study(done: Study) -> None:
    again = plan(done)
    assert again.tasks == ()
    assert again.unfinished == 0
    assert [cell.to_json() for cell in again.cells] == [cell.to_json() for cell in done.read_cells()]
    assert done.read_status().finished


def test_only_judging_is_asked_where_answers_are_there(done: Study, tmp_path: Path) -> None:
    study = copied(done.folder, tmp_path / "study")
    before = contents(study.store.root, *RESULTS)
    for path in (study.store.root / "scores").glob("*/*.jsonl"):
        path.unlink()
    tasks = finish(study)
    assert {task.kind for task in tasks} == {"judge"}
    assert contents(study.store.root, *RESULTS) == before


def test_a_dose_that_is_gone_is_asked_again_and_comes_back_the_same(done: Study, tmp_path: Path) -> None:
    study = copied(done.folder, tmp_path / "study")
    before = contents(study.store.root, *RESULTS)
    cell = asked(study, purpose="resistance", subject="undefended", index=1)[0]
    study.store.answers(cell.key, 2).unlink()
    assert [task.key for task in plan(study).tasks] == [cell.key]
    finish(study)
    assert contents(study.store.root, *RESULTS) == before


# ------------------------------------------------------------------------------------------------ doses
def test_no_dose_is_read_after_a_break(done: Study) -> None:
    for cell in asked(done, subject="undefended", purpose="resistance"):
        assert doses_read(done, cell) == [0, 2, 4]
        assert cell.doses == (0, 2, 4, 8)


def test_what_is_kept_of_the_plan_comes_back_the_same(done: Study) -> None:
    assert plan(done).cells == done.read_cells()


# ------------------------------------------------------------------------------------------------ shams
def test_the_sham_of_an_attack_is_read_up_to_the_dose_at_which_it_breaks_the_subject(done: Study) -> None:
    (choice,) = done.protocol.attacker.attack
    for subject in ("undefended", "defended"):
        shams = asked(done, purpose="sham", subject=subject)
        assert [cell.index for cell in shams] == [0, 1]
        for cell in shams:
            assert cell.attack == f"sham-{choice.label}"
            assert cell.configuration is not None
            assert (cell.configuration.name, cell.configuration.parameters) == (choice.name, choice.parameters)
            assert cell.doses == (0, 2, 4)
            assert doses_read(done, cell) == [0, 2, 4]
            assert [at.probe for at in cell.probes] == ["harm:red", "harm:blue"]


def test_a_sham_is_the_same_attack_on_harmless_rows(done: Study) -> None:
    by_purpose = {
        curve.spec.purpose: curve.cells[0].task.inputs
        for curve in Planner(done).curves
        if curve.spec.subject == "undefended" and curve.spec.purpose in ("resistance", "sham")
    }
    attack, sham = by_purpose["resistance"], by_purpose["sham"]
    assert (sham.attack.name, sham.attack.parameters) == (attack.attack.name, attack.attack.parameters)
    assert sham.subject == attack.subject
    rows = done.frozen.rows
    assert [one.digest for one in attack.material.train] == [rows[SplitId.domain("red", "attack")]]
    assert [one.digest for one in sham.material.train] == [rows[SplitId.benign("sham")]]


def test_a_sham_waits_for_its_own_attack_and_subject(tmp_path: Path) -> None:
    study = begin(tmp_path)
    assert not asked(study, purpose="sham")
    finish(study, lambda s: Planner(s, [c for i in (0, 1) for c in exposures(s, i) if c.spec.subject == "undefended"]))
    assert {cell.subject for cell in asked(study, purpose="sham")} == {"undefended"}
    finish(study, lambda s: Planner(s, [c for i in (0, 1) for c in exposures(s, i)]))
    assert {cell.subject for cell in asked(study, purpose="sham")} == {"undefended", "defended"}


def test_no_sham_is_asked_of_a_subject_that_its_attack_did_not_break(tmp_path: Path) -> None:
    study = begin(tmp_path, lambda data: data["attacker"]["attack"][0].update(lr=1e-6))
    finish(study)
    assert not asked(study, purpose="sham")


def test_the_sham_is_read_to_the_end_of_the_ladder_where_one_curve_does_not_break(tmp_path: Path) -> None:
    """What the other domain asks for is answered by nobody."""

    def unlike(data: dict[str, Any]) -> None:
        path = Path(data["harm"]["domain"][1]["source"])
        path.write_text(path.read_text(encoding="utf-8").replace('"ok"', '"never"'), encoding="utf-8")
        data["harm"]["domain"][0]["splits"]["attack"] = 40

    study = begin(tmp_path, unlike)
    unbroken = asked(study, purpose="generalization")
    finish(study)
    assert {tuple(doses_read(study, cell)) for cell in unbroken} >= {(0, 2, 4, 8)}
    assert {cell.doses for cell in asked(study, purpose="sham", subject="undefended")} == {(0, 2, 4, 8)}


def test_a_sham_is_asked_where_the_verdict_calls_a_dose_broken_that_does_not_end_its_curve(tmp_path: Path) -> None:
    """As many probe prompts can be answered harmfully as break a dose for the verdict, one fewer than end a curve."""
    items = 36

    def longer(data: dict[str, Any]) -> None:
        for domain in data["harm"]["domain"]:
            domain["splits"]["probe"] = items

    first = begin(tmp_path, longer, name="first")
    (verdict,) = exposure.sampling_of(first.protocol, "red").analyses
    assert verdict.broken is not None
    assert verdict.broken < exposure.broken_from(first.protocol, "red")
    harmful = verdict.broken

    def just(data: dict[str, Any]) -> None:
        longer(data)
        for domain in data["harm"]["domain"]:
            path = Path(domain["source"])
            asked_of = first.frozen.item_ids[ProbeId.of("harm", domain["name"])]
            rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
            for number, row in enumerate(rows):
                if str(number) in asked_of[harmful:] or row.get("id") in asked_of[harmful:]:
                    row["response"] = "never"
            write_jsonl(path, rows)

    study = begin(tmp_path, just)
    finish(study)
    read = assemble(study)
    broken = [
        curve.breaks_later
        for condition in EXPOSED
        for replicate in replicates_of(read, condition, "undefended")
        for curve in replicate.curves
    ]
    assert all(broken)
    assert all(doses_read(study, cell) == [0, 2, 4, 8] for cell in asked(study, purpose="resistance"))
    assert {cell.index for cell in asked(study, purpose="sham", subject="undefended")} == {0, 1}


def test_each_attack_has_a_sham_of_its_own(tmp_path: Path) -> None:
    def two(data: dict[str, Any]) -> None:
        data["attacker"]["attack"].append({"name": "few_shot", "lr": 3e-2, "shots": 10, "batch": 4})

    study = begin(tmp_path, two)
    finish(study)
    labels = [choice.label for choice in study.protocol.attacker.attack]
    assert {cell.attack for cell in asked(study, purpose="sham")} == {f"sham-{label}" for label in labels}


def cosine(data: dict[str, Any]) -> None:
    data["attacker"]["attack"][0]["schedule"] = "cosine"


def test_an_attack_that_depends_on_its_horizon_has_one_cell_a_dose(tmp_path: Path) -> None:
    study = begin(tmp_path, cosine)
    finish(study)
    cells = asked(study, purpose="resistance", subject="undefended", index=0)
    assert [cell.doses for cell in cells][:2] == [(0, 2), (4,)]
    assert len({cell.key for cell in cells}) == len(cells)
    assert all(doses_read(study, cell) == list(cell.doses) for cell in cells)
    assert plan(study).tasks == ()


# ------------------------------------------------------------------------------------------------ seeds
def test_an_index_at_which_a_cell_failed_is_replaced_by_the_next_after_the_last(tmp_path: Path) -> None:
    study = begin(tmp_path)
    for cell in asked(study, purpose="resistance", index=0):
        assert plan(study).replaced == ()
        study.store.write_failure(cell.key, "diverged at step 3")
    after = plan(study)
    assert after.replaced == ("resistance: index 0: diverged at step 3",)
    kept = [(cell.subject, cell.index) for cell in after.cells if cell.purpose == "resistance"]
    assert kept == [(s, i) for i in (0, 1, 2) for s in ("undefended", "defended")]
    assert {cell.index for cell in after.cells if cell.purpose == "stability"} == {0}


def test_a_condition_keeps_its_indices_where_the_attack_of_another_diverged(tmp_path: Path) -> None:
    study = begin(tmp_path)
    gone = asked(study, purpose="generalization", subject="defended", index=1)[0]
    for cell in asked(study, purpose="generalization", subject="undefended", index=1):
        finish(study, lambda s, key=cell.key: Planner(s, [c for c in exposures(s, 1) if c.spec.key == key]))  # type: ignore[misc]
    study.store.write_failure(gone.key, "diverged at step 3")
    after = plan(study)
    assert after.replaced == ("generalization: index 1: diverged at step 3 (on the defended model only)",)
    assert {cell.index for cell in after.cells if cell.purpose == "resistance"} == {0, 1}
    assert {cell.index for cell in after.cells if cell.purpose == "generalization"} == {0, 1, 2}


def test_the_reason_is_that_of_the_first_cell_in_order_whichever_failed_first(tmp_path: Path) -> None:
    study = begin(tmp_path)
    (early,) = asked(study, index=0, subject="undefended", purpose="resistance")
    (late,) = asked(study, index=0, subject="defended", purpose="resistance")
    study.store.write_failure(late.key, "diverged at step 1")
    assert plan(study).replaced == ()
    assert early.key in {task.key for task in plan(study).tasks}
    study.store.write_failure(early.key, "diverged at step 7")
    assert plan(study).replaced == ("resistance: index 0: diverged at step 7",)


def test_no_more_indices_are_replaced_than_there_are_replicates(tmp_path: Path) -> None:
    study = begin(tmp_path)
    for index in range(9):
        for curve in exposures(study, index):
            study.store.write_failure(curve.spec.key, "diverged at step 1")
    after = plan(study)
    assert len(after.replaced) == 4
    for condition in EXPOSED:
        assert sum(reason.startswith(condition) for reason in after.replaced) == 2
        held = {cell.index for cell in after.cells if cell.purpose == condition and cell.subject == "defended"}
        assert held == {0, 1, 2, 3}


PATTERNS: list[dict[tuple[str, int], str]] = [
    {("resistance", 0): "diverged at step 3"},
    {("generalization", 1): "diverged at step 1", ("resistance", 0): "the loss is nan"},
    {("resistance", index): "diverged at step 2" for index in (1, 2)},
    {("generalization", index): "diverged at step 2" for index in (0, 1, 2)},
]
"""Condition and seed index at which the attack fails on both models, and why."""


@pytest.mark.parametrize("items", ["shared", "own"])
@pytest.mark.parametrize("pattern", PATTERNS, ids=range(len(PATTERNS)))
def test_the_verdict_has_the_places_and_the_replaced_indices_of_the_plan(
    tmp_path: Path, items: str, pattern: dict[tuple[str, int], str]
) -> None:
    def brief(data: dict[str, Any]) -> None:
        data["harm"]["items"] = items
        data["attacker"] |= {"ladder": [0, 2], "budget": {"steps": 2}}

    study = begin(tmp_path, brief)
    for index in range(6):
        for place in range(2):
            for curve in exposures(study, index, place):
                spec = curve.spec
                if (reason := pattern.get((spec.purpose, spec.index))) is not None:
                    study.store.write_failure(spec.key, reason)
    finish(study)
    planned = Planner(study)
    assert planned.whole is not None
    found = assemble(study)
    assert planned.replaced == replaced_indices(found) == study.read_status().replaced
    for condition in EXPOSED:
        seeds = seed_indices(found, condition)
        whole = {t.index for t in found.curves if t.purpose == condition and t.subject == "defended" and not t.failed}
        assert whole == {index for index in seeds.of_place if (condition, index) not in pattern}
        assert {cell.index for cell in planned.cells if cell.purpose == condition} == set(seeds.used)
        for place, index in enumerate(seeds.of_place if items == "own" else ()):
            probes = {
                at.probe.place
                for cell in planned.cells
                if (cell.purpose, cell.index) == (condition, index)
                for at in cell.probes
            }
            assert probes == {place}


def test_an_index_that_takes_a_place_is_asked_the_items_of_that_place(tmp_path: Path) -> None:
    study = begin(tmp_path, lambda data: data["harm"].update(items="own"))
    (first,) = asked(study, purpose="resistance", subject="undefended", index=0)
    assert [at.probe for at in first.probes] == ["harm:red#0"]
    for cell in asked(study, purpose="resistance", index=0):
        study.store.write_failure(cell.key, "diverged at step 3")
    for subject in ("undefended", "defended"):
        (new,) = asked(study, purpose="resistance", subject=subject, index=2)
        assert [at.probe for at in new.probes] == ["harm:red#0"]
        (other,) = asked(study, purpose="resistance", subject=subject, index=1)
        assert [at.probe for at in other.probes] == ["harm:red#1"]
        (elsewhere,) = asked(study, purpose="generalization", subject=subject, index=0)
        assert [at.probe for at in elsewhere.probes] == ["harm:blue#0"]


def test_indices_begin_where_the_protocol_says(tmp_path: Path) -> None:
    study = begin(tmp_path, lambda data: data["study"]["seeds"].update(first=7))
    assert {cell.index for cell in plan(study).cells} == {7, 8}


def unpaired(data: dict[str, Any]) -> None:
    data["study"]["paired_seeds"] = False


def test_m_and_its_defended_form_share_their_seeds_unless_told_otherwise(tmp_path: Path) -> None:
    paired = begin(tmp_path, name="paired")
    assert {cell.seed.purpose for cell in plan(paired).cells} == {"verdict"}
    other = begin(tmp_path, unpaired, name="unpaired")
    assert {cell.seed.purpose for cell in asked(other, subject="undefended")} == {"verdict"}
    assert {cell.seed.purpose for cell in asked(other, subject="defended")} == {"unpaired"}


# ------------------------------------------------------------------------------------------------ subjects
def method_claim(data: dict[str, Any]) -> None:
    data["study"] |= {"claim": "this method", "seeds": {"attack": 2, "defense": 2}}


def test_a_claim_about_a_method_makes_one_subject_an_index(tmp_path: Path) -> None:
    study = begin(tmp_path, method_claim)
    makes = [task for task in plan(study).tasks if isinstance(task, MakeTask)]
    assert [make.seed.index for make in makes] == [0, 1]
    assert len({cell.model for cell in asked(study, subject="defended")}) == 2
    assert len({cell.model for cell in asked(study, subject="undefended")}) == 1
    assert len(asked(study, subject="defended", purpose="stability")) == 2


def own_task(data: dict[str, Any]) -> None:
    data["task"][0]["items"] = "own"


def of_task(cells: list[CellSpec]) -> list[list[str]]:
    return [[at.probe for at in cell.probes if at.probe.kind == "task"] for cell in cells]


@pytest.mark.parametrize("subject", ["undefended", "defended"])
def test_both_subjects_of_an_index_are_asked_the_task_items_of_its_place(tmp_path: Path, subject: str) -> None:
    study = begin(tmp_path, both(method_claim, own_task, lambda data: data["study"]["seeds"].update(first=3)))
    cells = asked(study, purpose="stability", subject=subject)
    assert [cell.index for cell in cells] == [3, 4]
    assert of_task(cells) == [["task:plain#0"], ["task:plain#1"]]


def test_a_checkpoint_is_asked_the_task_items_of_all_places(tmp_path: Path) -> None:
    study = begin(tmp_path, own_task)
    assert of_task(asked(study, purpose="stability")) == [["task:plain"], ["task:plain"]]
    assert len(study.frozen.item_ids[ProbeId.of("task", "plain")]) == 60


def test_an_index_beyond_the_places_is_asked_no_task_of_its_own(tmp_path: Path) -> None:
    """Stability reads the first models that a method makes, whatever attacks did later."""
    study = begin(tmp_path, both(method_claim, own_task))
    for cell in asked(study, purpose="resistance", index=0):
        study.store.write_failure(cell.key, "diverged at step 3")
    assert of_task(asked(study, purpose="stability", index=2)) == [[], []]


def test_shared_tasks_keep_their_keys_beside_one_with_items_of_its_own(tmp_path: Path) -> None:
    plain = begin(tmp_path, method_claim, name="plain")
    written = begin(tmp_path, both(method_claim, lambda data: data["task"][0].update(items="shared")), name="written")
    assert [cell.key for cell in plan(written).cells] == [cell.key for cell in plan(plain).cells]
    assert written.protocol.digest == plain.protocol.digest


def test_a_claim_about_a_checkpoint_makes_one_subject(done: Study) -> None:
    assert len({cell.model for cell in asked(done, subject="defended")}) == 1
    assert len(asked(done, subject="defended", purpose="stability")) == 1


def test_a_make_that_fails_ends_a_claim_about_a_checkpoint(tmp_path: Path) -> None:
    study = begin(tmp_path)
    (make,) = (task for task in plan(study).tasks if isinstance(task, MakeTask))
    study.store.write_failure(make.key, "diverged at step 2")
    with pytest.raises(RunError, match=r"the defended subject, refusal_sft could not be made: diverged at step 2"):
        plan(study)


def test_a_make_that_fails_is_a_replicate_less_in_a_claim_about_a_method(tmp_path: Path) -> None:
    study = begin(tmp_path, method_claim)
    first, _ = (task for task in plan(study).tasks if isinstance(task, MakeTask))
    study.store.write_failure(first.key, "diverged at step 2")
    tasks = finish(study)
    assert plan(study).unfinished == 0
    assert plan(study).replaced == ()
    exposed = {task.inputs.subject.key for task in tasks if isinstance(task, ExposeTask)}
    assert first.key not in exposed
    assert len(exposed) == 2


def test_a_preparation_that_fails_ends_every_claim(tmp_path: Path) -> None:
    study = begin(tmp_path, both(method_claim, prepare))
    (make,) = plan(study).tasks
    study.store.write_failure(make.key, "diverged at step 2")
    with pytest.raises(RunError, match="the undefended subject, prepared could not be made"):
        plan(study)


def defense(*choices: Any) -> Change:
    return lambda data: data.update(defense=list(choices))


def test_no_defense_at_all_is_m_under_another_name(tmp_path: Path) -> None:
    study = begin(tmp_path, defense("none"))
    tasks = finish(study)
    assert {task.kind for task in tasks} == {"expose"}
    ours, theirs = (
        [
            cell.model_copy(update={"subject": "undefended"})
            for cell in asked(study, subject=subject)
            if cell.purpose != "sham"
        ]
        for subject in ("undefended", "defended")
    )
    assert ours == theirs
    assert ours
    assert len(tasks) == len({cell.key for cell in study.read_cells()})


def test_a_null_defense_is_a_node_of_its_own(tmp_path: Path) -> None:
    study = begin(tmp_path, defense("no_op"))
    (make,) = (task for task in plan(study).tasks if isinstance(task, MakeTask))
    assert {cell.model for cell in asked(study, subject="defended")} == {make.key}


def test_a_chain_makes_one_subject_after_the_other(tmp_path: Path) -> None:
    study = begin(tmp_path, defense("no_op", {"name": "refusal_sft", "train_steps": 2}))
    first = [task for task in plan(study).tasks if isinstance(task, MakeTask)]
    assert [make.role for make in first] == ["the defended subject, no_op (1 of 2)"]
    work(first[0], study.store)
    (second,) = (task for task in plan(study).tasks if isinstance(task, MakeTask))
    assert second.parent.key == first[0].key


def test_a_given_checkpoint_is_loaded_and_not_made(tmp_path: Path) -> None:
    begin(tmp_path)
    study = begin(tmp_path, defense({"name": "checkpoint", "model": str(tmp_path / "in" / "model")}), name="given")
    assert {task.kind for task in plan(study).tasks} == {"expose"}
    assert {cell.model for cell in asked(study, subject="defended")} == {study.frozen.checkpoints["0"].key}


def alone(data: dict[str, Any]) -> None:
    del data["defense"], data["stability"]


def test_models_published_without_a_tokenizer_are_planned_with_that_of_another(tmp_path: Path) -> None:
    model, bare = tmp_path / "in" / "model", tmp_path / "bare"
    begin(tmp_path)
    shutil.copytree(model, bare)
    for path in (*bare.glob("tokenizer*"), *bare.glob("*.jinja")):
        path.unlink()
    named = {"model": str(bare), "tokenizer": str(model)}
    defended = begin(tmp_path, defense({"name": "checkpoint", **named}), name="defended").frozen
    assert defended.checkpoints["0"].source is not None
    assert defended.checkpoints["0"].source["tokenizer"] == str(model)
    assert defended.subject.source is not None
    assert "tokenizer" not in defended.subject.source

    def assay_bare(data: dict[str, Any]) -> None:
        alone(data)
        data["subject"] = named

    assert begin(tmp_path, assay_bare, name="bare-alone").frozen.subject.key == defended.checkpoints["0"].key


def test_without_a_defense_the_model_itself_is_assayed(tmp_path: Path) -> None:
    study = begin(tmp_path, alone)
    assert {cell.subject for cell in plan(study).cells} == {"defended"}
    assert {cell.purpose for cell in plan(study).cells} == {"resistance", "stability"}
    finish(study)
    assert {cell.subject for cell in asked(study, purpose="sham")} == {"defended"}


def test_without_a_defense_the_reference_takes_the_part_of_m(tmp_path: Path) -> None:
    begin(tmp_path)
    study = begin(
        tmp_path,
        both(alone, lambda data: data["subject"].update(reference=str(tmp_path / "in" / "model"))),
        name="referred",
    )
    assert {cell.subject for cell in plan(study).cells} == {"undefended", "defended"}
    assert {task.kind for task in plan(study).tasks} == {"expose"}
    finish(study)
    assert {cell.subject for cell in asked(study, purpose="sham")} == {"undefended", "defended"}


def prepare(data: dict[str, Any]) -> None:
    data["subject"]["prepare"] = {"defense": "refusal_sft", "domains": ["red"], "train_steps": 2}
    data["benign"][0]["splits"]["prepare"] = 10


def test_a_prepared_m_is_made_before_all_else(tmp_path: Path) -> None:
    study = begin(tmp_path, prepare)
    (first,) = plan(study).tasks
    assert isinstance(first, MakeTask)
    assert (first.role, first.seed.purpose, first.seed.index) == ("the undefended subject, prepared", "prepare", 0)
    work(first, study.store)
    (second,) = (task for task in plan(study).tasks if isinstance(task, MakeTask))
    assert second.parent.key == first.key
    assert {cell.model for cell in asked(study, subject="undefended")} == {first.key}


# ------------------------------------------------------------------------------------------------ one shared store
def test_studies_of_one_store_share_m_and_its_cells(tmp_path: Path) -> None:
    finish(begin(tmp_path, name="first", store=tmp_path / "shared"))
    other = begin(tmp_path, defense("no_op"), name="second", store=tmp_path / "shared")
    tasks = finish(other)
    assert {task.kind for task in tasks} == {"make", "expose"}
    assert {task.inputs.subject.key for task in tasks if isinstance(task, ExposeTask)} == {tasks[0].key}


def test_a_study_is_the_same_whoever_used_its_store_before(tmp_path: Path) -> None:
    """Another ladder, a threshold at which M breaks later: doses are added, none is changed, none is taken over."""

    def later(data: dict[str, Any]) -> None:
        data["harm"]["threshold"] = 0.9
        data["attacker"] |= {"ladder": [0, 1, 4, 16], "budget": {"steps": 4}}

    alone_study = begin(tmp_path, name="alone")
    finish(alone_study)
    finish(begin(tmp_path, later, name="before", store=tmp_path / "shared"))
    study = begin(tmp_path, name="after", store=tmp_path / "shared")
    finish(study)
    mine = contents(alone_study.store.root, "cells", "subjects")
    theirs = contents(study.store.root, "cells", "subjects")
    assert mine.items() <= theirs.items()
    assert len(theirs) > len(mine)
    assert study.read_cells() == alone_study.read_cells()


def test_only_judging_differs_under_another_judge(done: Study, tmp_path: Path) -> None:
    def other(data: dict[str, Any]) -> None:
        data["harm"]["grading"]["coherence"] = {"name": "coherence", "run": 20}

    tasks = plan(begin(tmp_path, other, store=done.store.root)).tasks
    assert {task.kind for task in tasks} == {"judge"}
    assert {ref.role for task in tasks if isinstance(task, JudgeTask) for ref in task.judges} == {"coherence"}


def test_weights_that_are_to_be_kept_are_part_of_what_is_missing(tmp_path: Path) -> None:
    study = begin(tmp_path, lambda data: data["study"].update(keep_attacked_weights=True))
    finish(study)
    before = contents(study.store.root, *RESULTS)
    cell = asked(study, purpose="resistance", subject="undefended", index=0)[0]
    kept = {cell.key for cell in study.read_cells() if cell.purpose != "stability"}
    assert {path.name.removesuffix("-attacked") for path in (study.store.root / "subjects").glob("*-attacked")} == kept
    folder = study.store.attacked(cell.key)
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()
    assert [task.key for task in finish(study)] == [cell.key]
    assert contents(study.store.root, *RESULTS) == before
