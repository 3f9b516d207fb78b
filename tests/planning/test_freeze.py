"""Freezing: every input becomes a digest, and nothing is left of a protocol that cannot be used."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.rows import write_jsonl
from support.studies import begin, contents, small_protocol, write_toml

from titer.data.identifiers import ProbeId
from titer.data.probe_items import dealt as dealt_items
from titer.errors import InputError, RunError
from titer.methods import registry
from titer.methods.requires import Need
from titer.planning.freeze import freeze, open_study, restore_data
from titer.planning.plan import plan
from titer.records import Choice, Item
from titer.study.atomic_files import read_lines
from titer.study.folder import Study
from titer.study.root import frozen_text, register
from titer.study.store import Store

Change = Callable[[dict[str, Any]], Any]
EXAMPLES = {name: Choice(name=name, parameters=dict(own.example)) for name, own in registry.DEFENSES.items()}
PAIRED = [name for name, own in EXAMPLES.items() if Need.PAIRS in registry.defense(own).requires.rows]
"""The defenses that learn the refusals of their harmful rows."""


def test_a_study_is_frozen_once(tmp_path: Path) -> None:
    study = begin(tmp_path)
    before = contents(study.folder, ".")
    again = open_study(study.folder)
    assert again.frozen == study.frozen
    assert contents(study.folder, ".") == before
    assert freeze(study.protocol, Store(tmp_path / "other")) == study.frozen


def test_rows_and_items_are_kept_under_their_digests(tmp_path: Path) -> None:
    study = begin(tmp_path)
    assert set(study.frozen.rows) == {
        "domain/red/defend", "domain/red/attack", "domain/red/probe", "domain/blue/attack", "domain/blue/probe",
        "benign/defend", "benign/sham", "benign/over_refusal", "task/plain/verdict",
    }  # fmt: skip
    assert set(study.frozen.items) == {"harm:red", "harm:blue", "task:plain", "over_refusal"}
    for name, digest in study.frozen.items.items():
        lines = read_lines(study.store.data(digest))
        assert tuple(json.loads(line)["id"] for line in lines) == study.frozen.item_ids[name]


def test_a_task_that_is_only_trained_on_is_asked_nothing(tmp_path: Path) -> None:
    study = begin(tmp_path, lambda data: data["task"].append({**data["task"][0], "name": "t", "splits": {"train": 9}}))
    assert "task:t" not in study.frozen.items
    assert "task/t/train" in study.frozen.rows
    assert plan(study).tasks


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (lambda data: data["attacker"]["attack"][0].update(name="indirect"), "attacker.attack.0"),
        (lambda data: data["attacker"]["attack"][0].update(rate=1), "attacker.attack.0.rate"),
        (lambda data: data["defense"][0].update(name="refusal"), "defense.0"),
        (lambda data: data["defense"][0].update(train_steps=0), "defense.0.train_steps"),
        (lambda data: data["harm"]["grading"].update(harm="exactly"), "harm.grading.harm"),
        (lambda data: data["harm"].update(probe="ask"), "harm.probe"),
        (lambda data: data["subject"].update(model="./nowhere"), "subject.model"),
        (lambda data: data["harm"]["domain"][0].update(source="nowhere.jsonl"), "harm.domain.0"),
        (lambda data: data["harm"]["domain"][0]["splits"].update(defend=9999), "harm.domain.0.splits"),
        (lambda data: data["harm"]["frame"].update(max_new_tokens=500), "harm:red"),
        (lambda data: data["benign"][0]["splits"].pop("defend"), "defense.0"),
    ],
)
def test_bad_input_is_told_with_its_place_and_leaves_nothing(tmp_path: Path, change: Change, place: str) -> None:
    data = small_protocol(tmp_path / "in")
    change(data)
    write_toml(tmp_path / "study" / "protocol.toml", data)
    with pytest.raises(InputError) as caught:
        open_study(tmp_path / "study")
    assert caught.value.place.startswith(place), caught.value
    assert [path.name for path in (tmp_path / "study").iterdir()] == ["protocol.toml"]


@pytest.mark.parametrize("name", PAIRED)
def test_a_pair_without_its_refusal_is_told_before_the_run(tmp_path: Path, name: str) -> None:
    data = small_protocol(tmp_path / "in")
    rows = Path(data["harm"]["domain"][0]["source"])
    rows.write_text(rows.read_text(encoding="utf-8").replace('"refusal": "no"', '"refusal": ""'), encoding="utf-8")
    data["defense"] = [{"name": name, **EXAMPLES[name].parameters}]
    write_toml(tmp_path / "study" / "protocol.toml", data)
    with pytest.raises(InputError, match=f"{name} learns") as caught:
        open_study(tmp_path / "study")
    assert caught.value.place == "harm.domain.0.refusals"
    assert [path.name for path in (tmp_path / "study").iterdir()] == ["protocol.toml"]


def test_a_defense_without_the_benign_rows_of_its_share_is_told_before_the_run(tmp_path: Path) -> None:
    data = small_protocol(tmp_path / "in")
    del data["benign"][0]["splits"]["defend"]
    data["defense"] = [{"name": "adversarial_loss", "train_steps": 4, "benign_share": 0.5, "batch": 4}]
    write_toml(tmp_path / "study" / "protocol.toml", data)
    with pytest.raises(InputError, match="adversarial_loss needs benign rows"):
        open_study(tmp_path / "study")
    assert [path.name for path in (tmp_path / "study").iterdir()] == ["protocol.toml"]


def test_rows_that_are_gone_are_read_again_from_their_sources(tmp_path: Path) -> None:
    study = begin(tmp_path)
    before = contents(study.store.root, "data")
    shutil.rmtree(study.store.root / "data")
    restore_data(study)
    assert contents(study.store.root, "data") == before
    next(iter((study.store.root / "data").iterdir())).unlink()
    restore_data(study)
    assert contents(study.store.root, "data") == before


def test_rows_that_have_changed_since_are_not_taken(tmp_path: Path) -> None:
    study = begin(tmp_path)
    shutil.rmtree(study.store.root / "data")
    path = tmp_path / "in" / "red.jsonl"
    path.write_text(path.read_text().replace('"ok"', '"fine"'))
    with pytest.raises(RunError, match=r"items\.harm:red is not what the study was frozen with"):
        restore_data(study)
    assert not (study.store.root / "data").exists()


def test_nothing_is_read_again_where_all_is_there(tmp_path: Path) -> None:
    study = begin(tmp_path)
    shutil.rmtree(tmp_path / "in")
    restore_data(study)


def test_another_number_of_processors_is_no_other_study(tmp_path: Path) -> None:
    """The default of `threads` follows the machine; what was frozen stays, whatever machine goes on."""
    study = begin(tmp_path, lambda data: data["compute"].pop("threads"))
    elsewhere = study.frozen.model_copy(update={"threads": 64})
    register(study.folder, elsewhere)
    (study.folder / "frozen.json").write_text(frozen_text(elsewhere), encoding="utf-8")
    shutil.rmtree(study.store.root / "data")
    again = open_study(study.folder)
    restore_data(again)
    assert again.frozen.compute.threads == 64


# ------------------------------------------------------------------------------------------------ items of their own
def own(data: dict[str, Any]) -> None:
    data["harm"]["items"] = "own"


def dealt(study: Study, domain: str) -> list[tuple[str, ...]]:
    return [study.frozen.item_ids[ProbeId.of("harm", domain, place=place)] for place in range(2)]


def test_items_of_their_own_are_dealt_to_the_places_and_a_pool_is_kept_for_dose_0(tmp_path: Path) -> None:
    study = begin(tmp_path, own)
    for domain in ("red", "blue"):
        first, second = dealt(study, domain)
        assert len(first) == len(second) == 16
        assert not set(first) & set(second)
        assert study.frozen.item_ids[ProbeId.of("harm", domain)] == (*first, *second)
        assert ProbeId.of("harm", domain, place=2) not in study.frozen.item_ids


def test_the_items_of_a_single_seed_are_its_own_too(tmp_path: Path) -> None:
    def one(data: dict[str, Any]) -> None:
        own(data)
        data["study"]["seeds"]["attack"] = 1

    study = begin(tmp_path, one)
    alone = study.frozen.item_ids[ProbeId.of("harm", "red", place=0)]
    assert study.frozen.item_ids[ProbeId.of("harm", "red")] == alone
    assert len(alone) == 16


def test_the_deal_does_not_follow_the_order_of_the_file(tmp_path: Path) -> None:
    study = begin(tmp_path, own)
    path = tmp_path / "in" / "red.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines()
    order = {json.loads(line)["prompt"]: number for number, line in enumerate(lines)}
    prompts = [prompts_of(study, place) for place in range(2)]
    for asked in prompts:
        places = [order[prompt] for prompt in asked]
        assert places not in (sorted(places), sorted(places, reverse=True))
    assert max(order[p] for p in prompts[0]) > min(order[p] for p in prompts[1])
    assert max(order[p] for p in prompts[1]) > min(order[p] for p in prompts[0])

    def turned(data: dict[str, Any]) -> None:
        own(data)
        path.write_text("\n".join(reversed(lines)) + "\n", encoding="utf-8")

    again = begin(tmp_path, turned, name="again")
    assert path.read_text(encoding="utf-8").splitlines() == lines[::-1]
    assert [prompts_of(again, place) for place in range(2)] == prompts


def prompts_of(study: Study, place: int) -> list[str]:
    name = study.frozen.items[ProbeId.of("harm", "red", place=place)]
    return [json.loads(line)["prompt"] for line in read_lines(study.store.data(name))]


def test_no_two_places_have_prompts_of_one_group(tmp_path: Path) -> None:
    """Two rows of every group, and so few groups that each is used."""

    def pairs(data: dict[str, Any]) -> None:
        own(data)
        path = Path(data["harm"]["domain"][0]["source"])
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        again = [row | {"group": f"pair {number // 2}"} for number, row in enumerate(rows)]
        write_jsonl(path, again)
        data["harm"]["domain"][0]["splits"] |= {"attack": 20, "defend": 20, "probe": 20}

    study = begin(tmp_path, pairs)
    groups = []
    for place in range(2):
        name = study.frozen.items[ProbeId.of("harm", "red", place=place)]
        groups += [json.loads(line)["group"] for line in read_lines(study.store.data(name))]
    assert len(groups) == len(set(groups)) == 40


def test_too_few_groups_for_every_place_are_told(tmp_path: Path) -> None:
    def many(data: dict[str, Any]) -> None:
        own(data)
        data["harm"]["domain"][0]["splits"]["probe"] = 61

    with pytest.raises(InputError, match="probe 122"):
        begin(tmp_path, many)


def test_the_pool_for_dose_0_has_at_most_four_hundred_prompts() -> None:
    asked = tuple(Item(id=str(n), group=str(n), prompt=str(n)) for n in range(500))
    found = dealt_items("harm", "red", asked, 5)
    assert [len(found[ProbeId.of("harm", "red", place=k)]) for k in range(5)] == [100] * 5
    assert [item.id for item in found[ProbeId.of("harm", "red")]] == [str(n) for n in range(400)]
    assert list(dealt_items("harm", "red", asked, None)) == ["harm:red"]


def own_task(data: dict[str, Any]) -> None:
    data["task"][0]["items"] = "own"


def test_the_items_of_a_task_are_dealt_to_the_places(tmp_path: Path) -> None:
    ids = begin(tmp_path, own_task).frozen.item_ids
    first, second = (ids[ProbeId.of("task", "plain", place=place)] for place in range(2))
    assert len(first) == len(second) == 30
    assert not set(first) & set(second)
    assert ids[ProbeId.of("task", "plain")] == (*first, *second)


def test_no_two_places_of_a_task_have_prompts_of_one_group(tmp_path: Path) -> None:
    def pairs(data: dict[str, Any]) -> None:
        own_task(data)
        path = Path(data["task"][0]["source"])
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        write_jsonl(path, [row | {"group": f"pair {number // 2}"} for number, row in enumerate(rows)])
        data["benign"][0]["splits"] = {"defend": 10, "sham": 10, "over_refusal": 20}
        data["task"][0]["splits"] = {"verdict": 20}

    study = begin(tmp_path, pairs)
    groups = []
    for place in range(2):
        name = study.frozen.items[ProbeId.of("task", "plain", place=place)]
        groups += [json.loads(line)["group"] for line in read_lines(study.store.data(name))]
    assert len(groups) == len(set(groups)) == 40
