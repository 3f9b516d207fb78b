"""What is written down of attacks: their families, and the sham of each that has one."""

from __future__ import annotations

from typing import Any

import pytest
from support.full_protocol import full

from titer.methods import registry
from titer.methods.roles import BASELINE
from titer.planning.attack_facts import _facts, attack_facts
from titer.protocol.attack_families import FAMILIES, FINE_TUNING, AttackFacts
from titer.protocol.attacker import AttackChoice
from titer.protocol.loading import parse


def facts(**attacker: Any) -> list[AttackFacts]:
    data = full()
    del data["attacker"]["attack"]
    data["attacker"] |= attacker
    return list(attack_facts(parse(data)).values())


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
    found = attack_facts(parse(data))
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
}
WITHOUT = (
    "benign",
    "benign_overfit",
    "identity_shift",
    "dpo",
    "grpo",
    "refusal_ablation",
    "noise",
    "prefill",
    "baseline",
)


@pytest.mark.parametrize("name", WITH_SHAM)
def test_an_attack_that_trains_on_harmful_rows_alone_has_a_sham_under_its_own_label(name: str) -> None:
    choice = AttackChoice(name=name, parameters=WITH_SHAM[name])
    assert _facts(choice).sham == f"sham-{choice.label}"


@pytest.mark.parametrize("name", WITHOUT)
def test_an_attack_that_trains_on_none_or_on_pairs_or_on_rewards_has_no_sham(name: str) -> None:
    assert _facts(AttackChoice(name=name, parameters={})).sham is None


def test_two_of_one_method_have_two_shams() -> None:
    one, other = facts(attack=[{"name": "direct", "lr": 1e-4}, {"name": "direct", "lr": 1e-3}])
    assert one.sham is not None
    assert one.sham != other.sham
