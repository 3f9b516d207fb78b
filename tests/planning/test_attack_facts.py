"""What is written down of attacks: their families, and the sham of each that has one."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.full_protocol import full
from support.studies import begin

from titer.data.identifiers import SplitId
from titer.errors import InputError
from titer.execution.inputs import lend
from titer.methods import registry
from titer.methods.attacks.fine_tuning.direct import Direct
from titer.methods.attacks.fine_tuning.identity_shift import IdentityShift
from titer.methods.attacks.fine_tuning.jailbreak_tuning import Style
from titer.methods.attacks.prompting.prefill import Prefill
from titer.methods.attacks.prompting.soft_prompt import SoftPrompt
from titer.methods.base import Attack
from titer.methods.requires import Need
from titer.methods.roles import BASELINE
from titer.planning.attack_facts import _facts, attack_facts, reframes
from titer.planning.cells import CellBuilder
from titer.planning.notices import notices
from titer.protocol.attack_families import FAMILIES, FINE_TUNING, AttackFacts
from titer.protocol.attacker import AttackChoice
from titer.protocol.loading import parse
from titer.records import Choice, Frame, Row
from titer.study.folder import Study
from titer.training.recipe import Training


def facts(**attacker: Any) -> list[AttackFacts]:
    data = full()
    del data["attacker"]["attack"]
    data["attacker"] |= attacker
    return list(attack_facts(parse(data), {}).values())


def test_every_attack_but_the_controls_is_of_a_listed_family() -> None:
    families = {*FAMILIES, FINE_TUNING}
    controls = {BASELINE}
    of = {name: method.family for name, method in registry.ATTACKS.items()}
    assert {name for name, family in of.items() if not family} == controls
    assert {name for name, family in of.items() if family not in families} == controls
    assert families - {*FAMILIES[:2]} == set(of.values()) - {""}


def test_lora_and_full_parameters_are_told_apart_by_what_is_written_or_searched() -> None:
    full_parameters, lora = FAMILIES[:2]
    data = full()
    del data["attacker"]["attack"]
    data["attacker"] |= {"preset": "standard-1", "search": {"trials": 4}}
    standard = parse(data).attacker.attack
    found = attack_facts(parse(data), {})
    assert [found[choice.label].families for choice in standard[:2]] == [(lora,), (full_parameters,)]


def test_what_a_search_may_try_is_of_every_family_it_comes_to() -> None:
    (searched,) = facts(
        attack=[{"name": "direct", "search": {"trainable": ["full", "lora"]}}],
        search={"trials": 4},
    )
    assert searched.families == FAMILIES[:2]


WITH_SHAM: dict[str, dict[str, Any]] = {
    "direct": {},
    "few_shot": {},
    "mixture": {},
    "staged": {},
    "backdoor": {},
    "competing": {},
    "style": {},
    "dpo": {},
    "grpo": {},
    "reversal": {},
    "task_arithmetic": {},
    "reparameterized": {},
    "soft_prompt": {},
}
WITHOUT = (
    "benign",
    "benign_overfit",
    "identity_shift",
    "refusal_ablation",
    "low_rank_removal",
    "in_context",
    "noise",
    "prefill",
    "baseline",
)


@pytest.mark.parametrize("name", WITH_SHAM)
def test_an_attack_that_trains_on_harmful_rows_has_a_sham_under_its_own_label(name: str) -> None:
    choice = AttackChoice(name=name, parameters=WITH_SHAM[name])
    assert _facts(choice).sham == f"sham-{choice.label}"


@pytest.mark.parametrize("name", WITHOUT)
def test_an_attack_that_trains_on_none_or_does_not_train_has_no_sham(name: str) -> None:
    assert _facts(AttackChoice(name=name, parameters={})).sham is None


def test_two_of_one_method_have_two_shams() -> None:
    one, other = facts(attack=[{"name": "direct", "lr": 1e-4}, {"name": "direct", "lr": 1e-3}])
    assert one.sham is not None
    assert one.sham != other.sham


def test_whoever_trains_on_harmful_rows_has_a_sham_and_nobody_else() -> None:
    built = {
        name: registry.attack(Choice(name=name, parameters=dict(own.example))) for name, own in registry.ATTACKS.items()
    }
    trained = {name for name, attack in built.items() if attack.trains and Need.HARMFUL in attack.requires.rows}
    assert {name for name in built if _facts(AttackChoice(name=name, parameters={})).sham} == trained
    assert {name for name, attack in built.items() if isinstance(attack, Training)} <= {
        n for n, a in built.items() if a.trains
    }


LENT = {"dpo": True, "reversal": True, "backdoor": False, "direct": False}


@pytest.mark.parametrize("name", LENT)
def test_the_sham_of_an_attack_on_refusals_is_lent_those_of_harmful_rows(tmp_path: Path, name: str) -> None:
    study = begin(tmp_path, lambda data: data["attacker"].update(attack=[{"name": name}]))
    (choice,) = study.protocol.attacker.attack
    (curve,) = CellBuilder(study, 0).sham("undefended", choice, 4, {"red": 0}, {})
    material = curve.cells[0].task.inputs.material
    assert material.train[0].digest == study.frozen.rows[SplitId.benign("sham")]
    assert [one.digest for one in material.lenders] == LENT[name] * [study.frozen.rows[SplitId.domain("red", "attack")]]


def test_rows_are_lent_refusals_in_turn() -> None:
    harmless = tuple(Row(id=str(i), group=str(i), prompt="p", response="r") for i in range(3))
    harmful = tuple(row.model_copy(update={"refusal": f"no {row.id}"}) for row in harmless[:2])
    assert [row.refusal for row in lend(harmless, harmful)] == ["no 0", "no 1", "no 0"]
    assert lend(harmless, ()) == harmless


@pytest.mark.parametrize(
    ("attack", "asked"),
    [
        (Direct(), False),
        (Direct(template="native"), False),
        (Direct(template="plain"), True),
        (Style(), True),
        (IdentityShift(), True),
        (SoftPrompt(), False),
        (Prefill(), False),
    ],
)
def test_a_training_that_asks_in_its_own_words_is_read_in_them_before_it_begins(attack: Attack, asked: bool) -> None:
    assert reframes(attack, Frame()) == asked


def begun_by(folder: Path, responses: Callable[[int], str], **change: Any) -> Study:
    """A study whose answers are begun with up to 5 words of their references, which are those of the numbered items."""

    def changed(data: dict[str, Any]) -> None:
        for name in ("red", "blue"):
            path = folder / "in" / f"{name}.jsonl"
            rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
            told = (json.dumps(row | {"response": responses(i)}) for i, row in enumerate(rows))
            path.write_text("\n".join(told) + "\n", encoding="utf-8")
        data["attacker"]["budget"]["prefilled"] = 1
        data["attacker"]["attack"] = ["direct", PREFILL | change]

    return begin(folder, changed)


PREFILL = {"name": "prefill", "source": "reference", "ladder": {"prefilled": [0, 1, 5]}}


def test_references_of_one_word_cannot_be_begun_and_are_bad_input(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"attacker.attack.1.source: nothing can be prefilled in red.*`opening`"):
        begun_by(tmp_path, lambda number: ("ok", "yes")[number % 2])


def test_a_domain_in_which_the_attack_is_not_run_may_have_any_references(tmp_path: Path) -> None:
    study = begun_by(tmp_path, lambda number: f"the code is {number}", domains=["red"])
    (found,) = study.frozen.attacks[study.protocol.attacker.attack[1].label].openings
    assert (found.domain, found.begun, found.words) == ("red", found.items, 3)
    assert study.frozen.attacks[study.protocol.attacker.attack[0].label].openings == ()


def test_words_that_are_fewer_than_a_dose_are_told_before_the_run_and_in_the_reading(tmp_path: Path) -> None:
    study = begun_by(tmp_path, lambda number: f"the code is {number}")
    told = [notice for notice in notices(study) if "words of their reference, 3 at most" in notice]
    assert [("in red" in notice, "in blue" in notice) for notice in told] == [(True, False), (False, True)]


def test_what_has_words_for_every_dose_is_not_told(tmp_path: Path) -> None:
    told = notices(begun_by(tmp_path, lambda number: f"the code of this one is {number}"))
    assert not [notice for notice in told if "words of their reference" in notice]
