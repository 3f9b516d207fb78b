"""Attackers by name: written out once, what the protocol says beside the name comes first."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from support import ROOT
from support.full_protocol import full

from titer.errors import InputError
from titer.methods import registry
from titer.methods.search_configurations import configuration_of, edges, space_of
from titer.planning.freeze import freeze
from titer.planning.search.sampler import coded
from titer.protocol import presets
from titer.protocol.attacker import AttackerConfig
from titer.protocol.loading import parse
from titer.records import Frame
from titer.study.store import Store


def attacker(**changes: Any) -> AttackerConfig:
    data = {"budget": {"steps": 8}, "ladder": [0, 4, 8], **changes}
    return AttackerConfig.model_validate_json(json.dumps(data))


@pytest.mark.parametrize("name", presets.names())
def test_what_a_preset_writes_by_hand_lies_in_the_space_that_it_searches(name: str) -> None:
    for choice in attacker(preset=name).attack:
        if isinstance(choice.search, dict):
            by_hand = configuration_of(choice, {}, Frame())
            assert (
                coded(space_of(choice), by_hand.parameters).keys() == choice.search.keys() <= choice.parameters.keys()
            )


@pytest.mark.parametrize("name", presets.names())
def test_every_preset_is_an_attacker_whose_attacks_exist(name: str) -> None:
    found = attacker(preset=name)
    assert found.preset == name
    assert len(found.attack) == len(presets.read(name)["attack"])
    for choice in found.attack:
        for one in edges(choice):
            registry.attack(one)
    assert all(schedule.budget in schedule.ladder for schedule in found.schedules)


def test_writing_out_once_more_changes_nothing() -> None:
    once = attacker(preset="standard-1")
    assert AttackerConfig.from_json(once.to_json()) == once


def test_what_stands_beside_the_name_comes_first_and_attacks_join() -> None:
    found = attacker(
        preset="standard-1",
        budget={"steps": 8, "prefilled": 2},
        search={"trials": 3},
        attack=[{"name": "few_shot", "shots": 5}],
    )
    assert found.search is not None
    assert found.search.trials == 3
    assert found.budget.on("prefilled") == 2
    assert found.attack[-1].name == "few_shot"
    assert len(found.attack) == 5


def test_an_unknown_preset_is_told_with_the_nearest() -> None:
    data = full()
    data["attacker"]["preset"] = "standart-1"
    with pytest.raises(InputError, match="unknown preset 'standart-1'.*Did you mean 'standard-1'"):
        parse(data)


@pytest.mark.model
@pytest.mark.parametrize("name", presets.names())
def test_every_preset_fits_the_organism(name: str, tmp_path: Path) -> None:
    data = tomllib.loads((ROOT / "examples" / "organism-attacks.toml").read_text(encoding="utf-8"))
    data["attacker"] = {"preset": name, "budget": {"steps": 32}, "ladder": [0, 8, 32]}
    del data["harm"]["items"]
    for source in data["benign"]:  # few rows, for each is encoded in every frame of the attacks
        source["splits"] = {split: 40 if split == "select" else 20 for split in source["splits"]}
    protocol = parse(data)
    frozen = freeze(protocol, Store(tmp_path))
    assert parse(frozen.protocol.to_data()) == protocol
