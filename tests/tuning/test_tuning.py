"""A defense is tuned on what its study never asks nor attacks with, by trials that are studies."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
import tomlkit
from support.command import Here
from support.tiny_study import tiny_protocol

from titer.cli.plan_estimate import readable
from titer.data.splits import Splits
from titer.data.splitting import cut_all
from titer.errors import InputError
from titer.methods.search_configurations import defense_space
from titer.planning.freeze import draft_study, open_study
from titer.planning.lineage import lineages
from titer.protocol.loading import parse
from titer.records import Choice, Seed
from titer.study.folder import PROTOCOL
from titer.tuning.cost import tuning_work
from titer.tuning.search import TunedTrial, best, loss_of, trials, tuned
from titer.tuning.trial_protocol import trial_protocol, without_nothing

TUNING = {
    "trials": 3,
    "attack": {"name": "direct", "lr": 3e-2, "batch": 4},
    "space": {"lr": {"low": 1e-4, "high": 1e-2}, "weight": [0.1, 1.0]},
}


def to_tune(folder: Path, **tuning: Any) -> dict[str, Any]:
    data = tiny_protocol(folder)
    for domain in data["harm"]["domain"]:
        domain["splits"]["select"] = 8
    data["task"][0]["splits"]["select"] = 10
    data["stability"] = {"tasks": ["sums"], "margin": 0.9}
    data["task"] = data["task"][:1]
    data["benign"][0]["splits"]["select"] = 10
    return data | {"tuning": {**TUNING, **tuning}}


def groups(splits: Splits, name: str, split: str) -> set[str]:
    return {row.group for row in splits.domain[name].get(split, ())}


def test_a_trial_asks_and_attacks_with_nothing_that_its_study_does(tmp_path: Path) -> None:
    protocol = parse(to_tune(tmp_path))
    trial = trial_protocol(protocol, protocol.defense[-1], 2)
    whole, own = cut_all(protocol), cut_all(trial)
    assert groups(own, "red", "probe") == groups(whole, "red", "select")
    assert groups(own, "red", "attack") | groups(own, "red", "defend") == groups(whole, "red", "defend")
    assert len(groups(own, "red", "attack")) == 7
    assert not groups(own, "red", "attack") & groups(own, "red", "defend")
    for split in ("probe", "attack"):
        used = set.union(*(groups(own, "red", mine) for mine in own.domain["red"]))
        assert not used & groups(whole, "red", split)
    assert {row.id for row in own.task["sums"]["verdict"]} == {row.id for row in whole.task["sums"]["select"]}
    assert {row.id for row in own.benign["over_refusal"]} == {row.id for row in whole.benign["select"]}
    assert own.benign["defend"] == whole.benign["defend"]
    assert trial.study.descriptive
    assert trial.study.name == "tiny-trial-2"


def test_items_of_their_own_are_all_left_aside(tmp_path: Path) -> None:
    data = to_tune(tmp_path)
    data["harm"]["items"] = "own"
    for domain in data["harm"]["domain"]:
        domain["splits"]["probe"] = 15
    protocol = parse(data)
    own = cut_all(trial_protocol(protocol, protocol.defense[-1], 0))
    assert groups(own, "red", "probe") == groups(cut_all(protocol), "red", "select")


def test_items_of_a_task_of_their_own_are_all_left_aside(tmp_path: Path) -> None:
    data = to_tune(tmp_path)
    del data["trainability"]
    data["task"][0] |= {"items": "own", "splits": {"verdict": 20, "select": 10}}
    protocol = parse(data)
    trial = trial_protocol(protocol, protocol.defense[-1], 0)
    assert trial.task[0].items == "shared"
    asked = {row.id for row in cut_all(trial).task["sums"]["verdict"]}
    assert asked == {row.id for row in cut_all(protocol).task["sums"]["select"]}


def test_trials_run_and_the_best_is_written(tmp_path: Path, here: Here) -> None:
    path = tmp_path / "protocol.toml"
    text = "# a study to tune\n" + tomlkit.dumps(without_nothing(to_tune(tmp_path / "data")))
    path.write_text(text, encoding="utf-8")
    done = here("tune", str(path), str(tmp_path / "tuned"), "--json")
    assert done.code == 0, done.err
    told = json.loads(done.out)
    assert [one["number"] for one in told["trials"]] == [0, 1, 2]
    first = told["trials"][0]["configuration"]
    assert first["parameters"]["lr"] == 1e-3, "the configuration written by hand is the first"
    assert all({"lr", "weight"} <= one["configuration"]["parameters"].keys() for one in told["trials"][1:])
    again = here("tune", str(path), str(tmp_path / "tuned"), "--json")
    assert json.loads(again.out) == told
    written = (tmp_path / "tuned" / PROTOCOL).read_text(encoding="utf-8")
    assert "# a study to tune" in written
    protocol = parse(tomllib.loads(written))
    assert protocol.tuning is None
    chosen = told["trials"][told["chosen"]]["configuration"]["parameters"]
    assert {**dict(protocol.defense[-1].parameters), **chosen} == dict(protocol.defense[-1].parameters)


def test_a_trial_has_a_seed_that_the_study_has_not(tmp_path: Path) -> None:
    protocol = parse(to_tune(tmp_path / "data"))
    own = trial_protocol(protocol, protocol.defense[-1], 0)
    (tmp_path / PROTOCOL).write_text(tomlkit.dumps(without_nothing(own.to_data())), encoding="utf-8")
    study = draft_study(tmp_path)
    (make,) = lineages(study, study.protocol.study.seeds.first)["defended"].makes[-1:]
    assert make.seed == Seed(purpose="verdict", index=900)
    with pytest.raises(InputError, match=r"tuning\.seed: 0 is a seed of the study itself"):
        trial_protocol(parse(to_tune(tmp_path / "data", seed=0)), protocol.defense[-1], 0)


@pytest.mark.parametrize("space", [{"lrr": [0.1]}, {"lr": {"low": 1e-2, "high": 1e-4}}, {"weight": [0.1, -1.0]}])
def test_what_cannot_be_tried_is_said_before_the_first_trial(tmp_path: Path, space: dict[str, Any]) -> None:
    protocol = parse(to_tune(tmp_path, space=space))
    with pytest.raises(InputError, match=r"tuning\.space"):
        trial_protocol(protocol, protocol.defense[-1], 0)


def test_a_trial_of_other_settings_is_not_taken_for_one_of_these(tmp_path: Path, here: Here) -> None:
    data = to_tune(tmp_path / "data", trials=1)
    path = tmp_path / "protocol.toml"
    path.write_text(tomlkit.dumps(without_nothing(data)), encoding="utf-8")
    first = here("tune", str(path), str(tmp_path / "tuned"))
    assert first.code == 0
    assert "Trial 0 is the first of 1 that break alike." in first.out
    data["defense"][0]["lr"] = 2e-3
    path.write_text(tomlkit.dumps(without_nothing(data)), encoding="utf-8")
    told = here("tune", str(path), str(tmp_path / "tuned"))
    assert told.code == 2
    assert "trial-0: this trial was begun with other settings" in told.err


def test_a_trial_that_could_not_be_made_does_not_end_the_search(tmp_path: Path, here: Here) -> None:
    data = to_tune(tmp_path / "data")
    data["defense"][0]["lr"] = 1e30
    path = tmp_path / "protocol.toml"
    path.write_text(tomlkit.dumps(without_nothing(data)), encoding="utf-8")
    told = here("tune", str(path), str(tmp_path / "tuned"))
    assert told.code == 0, told.err
    assert "0: could not be made: diverged at step" in told.out
    lines = (tmp_path / "tuned" / "trials.jsonl").read_text(encoding="utf-8").splitlines()
    failed, *others = map(json.loads, lines[1:])
    assert (failed["counts"], failed["worst_task"], failed["harm"]) == (False, None, {})
    assert [one["failure"] for one in others] == [None, None]
    protocol = parse(to_tune(tmp_path / "data"))
    unmade = TunedTrial.model_validate(failed)
    assert loss_of(protocol, trial(1, 0.0, counts=False, change=-0.4)) < loss_of(protocol, unmade)


def test_a_defense_that_is_to_be_tuned_is_planned_and_not_run(tmp_path: Path) -> None:
    folder = tmp_path / "study"
    folder.mkdir()
    (folder / PROTOCOL).write_text(tomlkit.dumps(without_nothing(to_tune(tmp_path / "data"))), encoding="utf-8")
    with pytest.raises(InputError, match="still to be tuned"):
        open_study(folder)
    assert not (folder / "frozen.json").exists()


def trial(number: int, lateness: float, *, counts: bool = True, change: float = 0.0) -> TunedTrial:
    choice = Choice(name="adversarial_loss", parameters={"train_steps": 6, "lr": 1e-3 * (number + 1)})
    return TunedTrial(
        number=number,
        configuration=choice,
        harm={"red": ((0, 0, 8),)},
        worst_task="sums",
        worst_change=change,
        counts=counts,
        steps=None,
        lateness=lateness,
    )


def test_the_best_breaks_last_and_costs_no_more_than_stability_allows(tmp_path: Path) -> None:
    protocol = parse(to_tune(tmp_path))
    found = [trial(0, 1.0), trial(1, 2.0), trial(2, 9.0, counts=False, change=-0.4), trial(3, 2.0)]
    chosen = best(protocol, found)
    assert chosen is not None
    assert chosen.number == 1
    assert best(protocol, found[2:3]) is None
    worse = trial(4, 9.0, counts=False, change=-0.9)
    losses = [loss_of(protocol, one) for one in (found[1], found[0], found[2], worse)]
    assert losses == sorted(losses)
    assert len(set(losses)) == 4


def test_a_tuned_protocol_keeps_its_comments(tmp_path: Path) -> None:
    text = '# why\n[[defense]]\nname = "adversarial_loss" # this one\nlr = 1.0\n\n[tuning]\ntrials = 2\n'
    written = tuned(text, trial(1, 1.0), 2)
    assert written.startswith("# Of 2 trials of this defense number 1 was taken")
    assert "# why" in written
    assert "# this one" in written
    assert tomllib.loads(written) == {"defense": [{"name": "adversarial_loss", "lr": 2e-3, "train_steps": 6}]}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda data: data.pop("tuning"), "no such table"),
        (lambda data: data["harm"]["domain"][1]["splits"].pop("select"), "prompts of `select`"),
        (lambda data: data["task"][0]["splits"].pop("select"), "held to what its tasks allow"),
    ],
)
def test_what_a_trial_needs_is_asked_for(tmp_path: Path, change: Any, message: str) -> None:
    data = to_tune(tmp_path)
    change(data)
    protocol = parse(data)
    with pytest.raises(InputError, match=message):
        next(trials(protocol, tmp_path / "out", 1))


@pytest.mark.parametrize(
    ("space", "message"),
    [
        ({"rate": [1.0]}, "no such parameter"),
        ({"lr": {"low": 1.0, "high": 0.1}}, "from 1.0 down to 0.1"),
        ({"weight": [-1.0]}, "weight"),
        ("default", "nothing to try"),
    ],
)
def test_a_space_that_cannot_be_searched_is_refused(space: Any, message: str) -> None:
    choice = Choice(name="no_op" if space == "default" else "adversarial_loss", parameters={})
    if space != "default":
        choice = Choice(name="adversarial_loss", parameters={"train_steps": 3})
    with pytest.raises(InputError, match=message):
        defense_space(choice, space, "tuning.space")


def test_the_work_of_all_trials_is_foreseen(tmp_path: Path) -> None:
    """The undefended model is asked once, each defended one by itself: as many tasks as the trials ran."""
    data = to_tune(tmp_path / "data")
    place = tmp_path / "study" / PROTOCOL
    place.parent.mkdir()
    place.write_text(tomlkit.dumps(without_nothing(data)), encoding="utf-8")
    study = draft_study(place.parent)
    foreseen = tuning_work(study)
    assert foreseen is not None
    assert list(trials(study.protocol, tmp_path / "tuned", 1))[0].harm
    logged = (tmp_path / "tuned" / "store" / "runs.jsonl").read_text(encoding="utf-8").splitlines()
    done = [json.loads(line)["key"] for line in logged if json.loads(line)["task"] != "judge"]
    assert foreseen.least.tasks == foreseen.most.tasks == len(done) == len(set(done))
    assert foreseen.least.tokens < foreseen.most.tokens


def test_plan_announces_what_tuning_comes_to(tmp_path: Path, here: Here) -> None:
    data = to_tune(tmp_path / "data", trials=6)
    folders = [tmp_path / name for name in ("tuned", "plain")]
    for folder in folders:
        folder.mkdir()
        (folder / PROTOCOL).write_text(tomlkit.dumps(without_nothing(data)), encoding="utf-8")
        data.pop("tuning", None)
    tuned_facts, plain = (json.loads(here("plan", folder, "--json").out) for folder in folders)
    assert plain["tuning"] is None
    assert "tuning" not in readable(plain)
    facts = tuned_facts["tuning"]
    assert (facts["trials"], facts["least"]["seconds"]) == (6, None)
    assert 0 < facts["least"]["flops"] < facts["most"]["flops"]
    assert readable(tuned_facts)["tuning"].startswith("6 trials by `titer tune`, ")
