"""What a search may try: as a protocol writes it, checked before the run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.studies import begin, search

from titer.errors import InputError
from titer.methods import registry
from titer.methods.search_configurations import configuration_of, edges, space_of, written_of
from titer.methods.search_space import LogRange, Options
from titer.planning.search.sampler import coded
from titer.protocol.attacker import AttackChoice
from titer.records import Frame, digest

LR = {"low": 1e-3, "high": 1e-1}


def searched(space: Any, fixed: tuple[str, ...] | None = None, **parameters: Any) -> AttackChoice:
    return AttackChoice(name="direct", parameters=parameters, search=space, fixed=fixed)


@pytest.mark.parametrize("name", sorted(registry.ATTACKS))
def test_every_value_of_a_default_space_is_one_that_the_attack_takes(name: str) -> None:
    choice = AttackChoice(name=name, search="default" if registry.ATTACKS[name].space() else None)
    for one in edges(choice):
        assert registry.attack(one).name == name


def test_what_is_written_beside_the_name_is_searched_all_the_same_unless_a_word_fixes_it() -> None:
    assert space_of(searched("default", lr=1e-3, trainable="full")) == space_of(searched("default"))
    assert written_of(searched("default", lr=1e-3, trainable="full")).parameters["lr"] == 1e-3
    some = searched("default", ("trainable", "batch"), lr=1e-3, trainable="full")
    assert {"lr", "schedule", "template"} == set(space_of(some))
    assert {one.parameters["trainable"] for one in edges(some)} == {"full"}


def test_what_is_fixed_and_begun_with_tells_one_searched_attack_from_another() -> None:
    plain = searched("default", lr=1e-3)
    others = [searched("default", ("batch",), lr=1e-3), plain.model_copy(update={"begin": ({"lr": 1e-2},)})]
    assert len({one.label for one in (plain, *others)}) == 3
    assert plain.label == "direct-" + digest([{"lr": 1e-3}, "default"])[:4]  # as cells of before are named
    assert not {"fixed", "begin"} & plain.to_data().keys()


def test_a_search_begins_with_what_is_written_and_the_edges_are_each_end() -> None:
    choice = searched({"lr": LR, "batch": [2, 4]}, lr=2e-3, batch=4)
    assert space_of(choice) == {"lr": LogRange(low=1e-3, high=1e-1), "batch": Options(values=(2, 4))}
    assert written_of(choice).parameters == {"lr": 2e-3, "batch": 4}
    assert [one.parameters["lr"] for one in edges(choice)] == [2e-3, 1e-3, 1e-1, 2e-3, 2e-3]
    assert [one.parameters["batch"] for one in edges(choice)][3:] == [2, 4]


@pytest.mark.parametrize("name", sorted(name for name, attack in registry.ATTACKS.items() if attack.space()))
def test_what_is_written_by_hand_is_told_to_the_sampler_with_the_defaults_of_the_method(name: str) -> None:
    """All of it where it lies in the space, what is false, left to the study or written as a table as well."""
    choice = AttackChoice(name=name, search="default")
    space, by_hand = space_of(choice), configuration_of(choice, {}, Frame(template="plain"))
    assert by_hand.parameters.keys() == space.keys()
    inside = {key for key, part in space.items() if part.holds(by_hand.parameters[key])}
    assert coded(space, by_hand.parameters).keys() == inside
    assert {"template", "trainable", "schedule", "keep_optimizer"} & space.keys() <= inside


def test_one_attack_is_one_configuration_however_much_of_it_is_left_to_defaults() -> None:
    choice = searched({"lr": LR, "batch": [8, 4], "trainable": ["full", {"kind": "lora"}], "template": ["native"]})
    lora = {"kind": "lora", "rank": 8, "alpha": 16, "dropout": 0.0, "targets": "all-linear"}
    same: list[dict[str, Any]] = [
        {},
        {"batch": 8},
        {"trainable": "full"},
        {"trainable": {"kind": "full"}},
        {"template": "native"},
    ]
    assert len({configuration_of(choice, values, Frame()).to_json() for values in same}) == 1
    whole, short = (configuration_of(choice, {"trainable": value}, Frame()) for value in (lora, {"kind": "lora"}))
    assert whole == short != configuration_of(choice, {}, Frame())
    assert coded(space_of(choice), {**short.parameters, "lr": 1e-2}) == {
        "lr": 1e-2,
        "batch": 0,
        "trainable": 1,
        "template": 0,
    }


@pytest.mark.parametrize(
    ("attack", "place", "problem"),
    [
        ({"search": {}}, "attacker.attack.0.search", "the search space is empty"),
        ({"search": {"lr": []}}, "attacker.attack.0.search.lr", "nothing to choose from"),
        ({"search": {"lr": {"low": 0.1, "high": 0.1}}}, "attacker.attack.0.search.lr", "from 0.1 down to 0.1"),
        ({"search": {"lr": {"low": 0.1, "high": 0.01}}}, "attacker.attack.0.search.lr", "from 0.1 down to 0.01"),
        ({"search": {"lr": {"low": 0, "high": 0.01}}}, "attacker.attack.0.search.lr.low", "no number above 0"),
        ({"search": {"lr": {"low": 1e-3}}}, "attacker.attack.0.search.lr", "neither a range nor a list"),
        ({"search": {"rate": LR}}, "attacker.attack.0.search.rate", "no such parameter"),
        ({"search": {"batch": [4, 0]}}, "attacker.attack.0.search.batch", "greater than"),
        (
            {"search": {"trainable": [{"kind": "lora", "rank": 4, "alpha": 8, "targets": ["nothing"]}]}},
            "attacker.attack.0, trainable.targets",
            "nothing",
        ),
        ({"name": "baseline", "search": "default"}, "attacker.attack.0.search", "nothing of baseline is left"),
        ({"search": "default", "fixed": ["rate"]}, "attacker.attack.0.fixed", "'rate' is not searched"),
        ({"search": {"lr": LR}, "fixed": ["lr"]}, "attacker.attack.0.fixed", "all else is fixed"),
        ({"fixed": ["lr"]}, "attacker.attack.0.fixed", "this attack is not searched"),
        ({"begin": [{"lr": 1e-3}]}, "attacker.attack.0.begin", "this attack is not searched"),
        ({"search": {"lr": LR}, "begin": [{"batch": 4}]}, "attacker.attack.0.begin.0", "'batch' is not searched"),
        ({"search": {"lr": LR}, "begin": [{"lr": -1.0}]}, "attacker.attack.0.begin.0.lr", "greater than"),
    ],
)
def test_a_space_that_cannot_be_searched_is_told_before_the_run(
    tmp_path: Path, attack: dict[str, Any], place: str, problem: str
) -> None:
    def change(data: dict[str, Any]) -> None:
        search(data)
        data["attacker"]["attack"] = [{"name": "direct", **attack}]

    with pytest.raises(InputError) as told:
        begin(tmp_path, change)
    assert told.value.place == place
    assert problem in told.value.problem
    assert told.value.remedy


def no_trials(data: dict[str, Any]) -> None:
    del data["attacker"]["search"]


def nothing_searched(data: dict[str, Any]) -> None:
    data["attacker"]["attack"] = [{"name": "direct"}]


def no_prompts(data: dict[str, Any]) -> None:
    del data["harm"]["domain"][0]["splits"]["select"]


def no_answers(data: dict[str, Any]) -> None:
    data["attacker"]["search"]["utility"] = {"margin": 0.5}


def few_answers(data: dict[str, Any]) -> None:
    no_answers(data)
    data["benign"][0]["splits"]["select"] = 28


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (no_trials, "attacker.attack.0.search"),
        (nothing_searched, "attacker.search"),
        (no_prompts, "harm.domain.0.splits"),
        (no_answers, "attacker.search.utility"),
        (few_answers, "attacker.search.utility"),
    ],
)
def test_a_search_needs_trials_an_attack_prompts_and_answers(tmp_path: Path, change: Any, place: str) -> None:
    def both(data: dict[str, Any]) -> None:
        search(data)
        change(data)

    with pytest.raises(InputError) as told:
        begin(tmp_path, both)
    assert told.value.place == place
