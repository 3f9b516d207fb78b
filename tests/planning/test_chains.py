"""Several defenses are a chain: each made of the one before, and what two chains have in common made once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.studies import begin

from titer.errors import InputError, RunError
from titer.execution.inputs import material_of
from titer.execution.worker import work
from titer.methods import registry
from titer.methods.defenses.meta_learned.random_mapping import RandomMapping
from titer.methods.defenses.meta_learned.tar import TAR
from titer.models.subject import load
from titer.planning.lineage import lineages
from titer.planning.plan import Planner, plan
from titer.study.folder import Study
from titer.study.tasks import MakeTask
from titer.testing import same, tiny_subject, weights

REFUSING: dict[str, Any] = {"name": "refusal_sft", "train_steps": 4, "lr": 1e-3, "batch": 4}
TRAP: dict[str, Any] = {"name": "sdd", "train_steps": 2, "lr": 1e-3, "batch": 4, "similarity": 1.0}
DEEP: dict[str, Any] = {"name": "deep_safety", "train_steps": 2, "lr": 1e-3, "batch": 4}


def chained(*defenses: Any) -> Callable[[dict[str, Any]], None]:
    return lambda data: data.update(defense=list(defenses))


def makes(study: Study) -> tuple[MakeTask, ...]:
    return lineages(study, 0)["defended"].makes


def test_each_defense_is_made_of_the_one_before_with_the_same_rows_and_seed(tmp_path: Path) -> None:
    study = begin(tmp_path, chained(REFUSING, "none", TRAP))
    first, second = makes(study)
    assert lineages(study, 0)["undefended"].ref == first.parent == study.frozen.subject
    assert second.parent.key == first.key
    assert lineages(study, 0)["defended"].ref.key == second.key
    assert (first.material, first.seed) == (second.material, second.seed)
    assert [make.role for make in (first, second)] == [
        "the defended subject, refusal_sft (1 of 3)",
        "the defended subject, sdd (3 of 3)",
    ]


def test_a_chain_of_one_has_the_key_and_the_words_that_it_always_had(tmp_path: Path) -> None:
    alone, chain = begin(tmp_path, chained(REFUSING), name="one"), begin(tmp_path, chained(REFUSING, TRAP), name="two")
    assert makes(alone)[0].key == makes(chain)[0].key
    assert makes(alone)[0].role == "the defended subject, refusal_sft"


def test_what_the_last_one_made_is_what_both_make_by_hand(tmp_path: Path) -> None:
    study = begin(tmp_path, chained(REFUSING, DEEP))
    chain = makes(study)
    by_hand = load(study.frozen.subject.source or {})
    for make in chain:
        work(make, study.store)
        assert make.defense is not None
        material = material_of(make.material, study.store, make.seed, make.compute)
        list(registry.defense(make.defense).steps(by_hand, material, make.seed.root, None))
        made = load({"model": str(study.store.read_subject(make.key))})
        assert same(weights(made), weights(by_hand))


def test_two_chains_over_one_store_share_their_common_beginning(tmp_path: Path) -> None:
    store = tmp_path / "store"
    one, other = (begin(tmp_path, chained(REFUSING, end), name=end["name"], store=store) for end in (TRAP, DEEP))
    assert makes(one)[0].key == makes(other)[0].key
    assert makes(one)[1].key != makes(other)[1].key
    for make in makes(one):
        work(make, one.store)
    begun = [task.key for task in plan(other).tasks if isinstance(task, MakeTask)]
    assert begun == [makes(other)[1].key]


def test_a_chain_is_planned_to_its_end(tmp_path: Path) -> None:
    study = begin(tmp_path, chained(REFUSING, TRAP, DEEP))
    wanted = makes(study)
    planner, done = Planner(study, curves=(), makes=wanted), []
    while (task := planner.take()) is not None:
        work(task, study.store)
        planner.finish(task)
        done.append(task.key)
    assert done == [make.key for make in wanted]
    assert planner.unfinished == 0


def test_a_stage_that_fails_leaves_the_earlier_ones_and_no_subject_of_its_own(tmp_path: Path) -> None:
    study = begin(tmp_path, chained(REFUSING, {**DEEP, "lr": 1e30}))
    first, second = makes(study)
    for make in (first, second):
        work(make, study.store)
    assert study.store.subject(first.key).exists()
    assert not study.store.subject(second.key).exists()
    with pytest.raises(RunError, match=r"deep_safety \(2 of 2\) could not be made: diverged"):
        plan(study)


def test_a_checkpoint_comes_first_and_the_others_go_on_from_it(tmp_path: Path) -> None:
    tiny_subject(5).save(tmp_path / "given")
    given = {"name": "checkpoint", "model": str(tmp_path / "given")}
    study = begin(tmp_path, chained("none", given, REFUSING), name="first")
    (only,) = makes(study)
    assert only.parent == study.frozen.checkpoints["1"]
    with pytest.raises(InputError, match="what refusal_sft makes before it would be dropped") as caught:
        begin(tmp_path, chained(REFUSING, given), name="last")
    assert caught.value.place == "defense.1"


MAPPING: dict[str, Any] = {"name": "random_mapping", **RandomMapping.example}
TAMPERING: dict[str, Any] = {"name": "tar", **TAR.example}


def test_behind_its_first_stage_a_defense_refers_to_the_subject_before_both(tmp_path: Path) -> None:
    """On the organism: the hidden states are apart from those of the reference already at the first step."""

    def on_the_organism(data: dict[str, Any]) -> None:
        data["subject"] = {"model": "organism"}
        data["defense"] = [REFUSING, MAPPING, "none", TAMPERING]

    study = begin(tmp_path, on_the_organism)
    refusing, mapping, tampering = makes(study)
    assert tampering.material.parent == mapping.parent
    assert mapping.parent.key == refusing.key
    for make in (refusing, mapping):
        work(make, study.store)
    material = material_of(tampering.material, study.store, tampering.seed, tampering.compute)
    before, mapped = (load({"model": str(study.store.read_subject(make.key))}) for make in (refusing, mapping))
    assert material.parent is not None
    assert same(weights(material.parent()), weights(before))
    assert not same(weights(mapped), weights(before))
    assert tampering.defense is not None
    tar = registry.defense(tampering.defense)
    first = next(tar.steps(mapped, material, tampering.seed.root, None))
    assert first.terms["representation_distance"] > 0.1


def test_without_its_first_stage_a_defense_refers_to_the_subject_that_it_is_given(tmp_path: Path) -> None:
    """And has the key that it always had: that of no parent."""
    alone, behind, apart = (
        makes(begin(tmp_path, chained(*defenses), name=f"{number}"))
        for number, defenses in enumerate([[TAMPERING], [REFUSING, TAMPERING], [MAPPING, REFUSING, TAMPERING]])
    )
    assert [found[-1].material.parent for found in (alone, behind, apart)] == [None, None, None]
    assert alone[0].material.identity() == behind[0].material.identity()
    assert "parent" not in alone[0].material.identity()
