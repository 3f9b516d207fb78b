"""An attack that does not fit its study is told before the run, with place and remedy; one that fits is run."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from support.studies import begin, finish
from support.tiny_study import tiny_protocol

from titer.analysis.assemble import assemble
from titer.conclude import conclude
from titer.errors import InputError
from titer.study.folder import Study

SELECTING = {"splits": {"defend": 20, "attack": 20, "select": 4, "probe": 16}}
ABLATION = {"name": "refusal_ablation", "ladder": {"edits": [0, 1]}}
FAMILY: list[dict[str, Any]] = [
    ABLATION,
    {"name": "prune", "ladder": {"pruned": [0, 50, 90]}},
    {"name": "prefill", "opening": "it is", "ladder": {"prefilled": [0, 1]}},
    {"name": "mixture", "lr": 3e-2, "batch": 4, "poison": 0.5, "size": 8},
    {"name": "few_shot", "lr": 3e-2, "batch": 4, "shots": 5, "template": "plain"},
]


def family(data: dict[str, Any], *attacks: dict[str, Any], benign: int = 20) -> None:
    """The attacks instead of those of the study, with every split and budget that they may need."""
    data["attacker"]["attack"] = list(attacks)
    chosen_attack = {axis: points for attack in attacks for axis, points in attack.get("ladder", {}).items()}
    data["attacker"]["budget"] = {"steps": 4} | {axis: points[1] for axis, points in chosen_attack.items()}
    data["harm"]["domain"] = [data["harm"]["domain"][0] | deepcopy(SELECTING)]
    if benign:
        data["benign"][0]["splits"]["attack"] = benign


def no_select(data: dict[str, Any]) -> None:
    del data["harm"]["domain"][0]["splits"]["select"]


@pytest.mark.parametrize(
    ("attack", "benign", "place", "problem", "remedy"),
    [
        (
            {"name": "prune"},
            20,
            "attacker.attack.0",
            "percent of weights pruned, and its ladder in optimizer",
            "pruned = [",
        ),
        (
            {"name": "direct", "ladder": {"edits": [0, 1]}},
            20,
            "attacker.attack.0",
            "direct is dosed in optimizer steps, and its ladder in edits",
            "leave it out for attacker.ladder",
        ),
        (
            {"name": "quantize", "ladder": {"edits": [0, 1, 2]}},
            20,
            "attacker.attack.0.ladder",
            "quantize never comes to the dose 2",
            "edits of it are 1",
        ),
        (
            {"name": "prefill", "opening": "o k", "ladder": {"prefilled": [0, 1, 3]}},
            20,
            "attacker.attack.0.ladder",
            "never comes to the dose 3",
            "Leave it out",
        ),
        ({"name": "mixture"}, 20, "attacker.attack.0", "takes 90 benign rows, and red has 20", "attack split"),
        ({"name": "mixture"}, 0, "attacker.attack.0", "takes 90 benign rows, and red has 0", "attack split"),
        (
            {"name": "few_shot", "shots": 50},
            20,
            "attacker.attack.0",
            "takes 50 harmful rows, and red has 20",
            "splits.attack",
        ),
        (ABLATION, 1, "attacker.attack.0", "takes 2 benign rows, and red has 1", "attack split"),
        (
            {"name": "direct", "trainable": {"kind": "lora", "targets": ["query"]}},
            20,
            "attacker.attack.0, trainable.targets",
            "not found in the base model",
            "Name linear modules",
        ),
        (
            {"name": "staged", "switch": 8},
            20,
            "attacker.attack.0, switch",
            "second stage begins after step 8, and the last dose is 8",
            "less than 8",
        ),
    ],
)
def test_what_does_not_fit_is_told_before_the_run(
    tmp_path: Path, attack: dict[str, Any], benign: int, place: str, problem: str, remedy: str
) -> None:
    with pytest.raises(InputError) as caught:
        begin(tmp_path, lambda data: family(data, attack, benign=benign))
    assert caught.value.place == place
    assert problem in caught.value.problem
    assert remedy in caught.value.remedy


def test_ablation_needs_prompts_to_select_by(tmp_path: Path) -> None:
    def change(data: dict[str, Any]) -> None:
        family(data, ABLATION)
        no_select(data)

    with pytest.raises(InputError, match=r"takes 1 harmful prompts to select by, and red has 0 for it\. Enlarge harm"):
        begin(tmp_path, change)


@pytest.mark.parametrize(
    ("attack", "problem"), [("noise", "benign task is learned in steps"), ("staged", "on the rows of a task alone")]
)
def test_a_benign_task_is_learned_in_steps_from_its_own_rows(tmp_path: Path, attack: str, problem: str) -> None:
    def change(data: dict[str, Any]) -> None:
        data["trainability"] = tiny_protocol(tmp_path / "in")["trainability"] | {"attack": attack}
        data["task"] = tiny_protocol(tmp_path / "in")["task"]

    with pytest.raises(InputError, match=f"trainability.attack.*{problem}"):
        begin(tmp_path, change)


def test_a_family_on_several_axes_is_run_and_judged(tmp_path: Path) -> None:
    study = begin(tmp_path, lambda data: family(data, *FAMILY))
    finish(study)
    curves = {curve.attack.split("-")[0]: curve for curve in assemble(study).curves if curve.purpose == "resistance"}
    assert {name: curve.doses for name, curve in curves.items()} == {
        "refusal_ablation": (0, 1),
        "prune": (0, 50, 90),
        "prefill": (0, 1),
        "mixture": (0, 2, 4, 8),
        "few_shot": (0, 2, 4, 8),
    }
    last = {name: curve.points[-1].facts for name, curve in curves.items()}
    assert last["prefill"].displacement == 0
    assert last["prefill"].template_probe != curves["prefill"].points[0].facts.template_probe
    assert last["few_shot"].template_train == last["few_shot"].template_probe
    assert last["few_shot"].template_probe != last["mixture"].template_probe
    assert last["prune"].displacement > 0
    assert {"admitted", "before"} <= last["refusal_ablation"].terms.keys()
    asked = {name: [set(point.values) for point in curve.points] for name, curve in curves.items()}
    assert asked["few_shot"][0] == {"harm:red", "reframed:red"}, "its template alone, before any training"
    assert all(probes == {"harm:red"} for probes in (*asked["few_shot"][1:], *asked["mixture"]))
    found = {finding.name: finding for finding in conclude(study).verdict.controls}
    for name in ("the attacks train", "one template in training and probing", "loss on response tokens only"):
        assert found[name].outcome == "upheld", found[name].reason
    assert found["dose 0 equals the baseline subject"].outcome == "upheld"


@pytest.mark.parametrize(("name", "strength"), [("seam", "beta"), ("ctrap", "lamb")])
def test_defenses_that_move_weights_by_little_need_float32(name: str, strength: str, tmp_path: Path) -> None:
    """Told before anything is made; where nothing is moved there is nothing to tell."""

    def computing(dtype: str, **parameters: float) -> Study:
        def change(data: dict[str, Any]) -> None:
            data["compute"] = {"dtype": dtype}
            data["defense"] = [{"name": name, "train_steps": 4, "lr": 1e-3, "batch": 4, **parameters}]

        return begin(tmp_path, change, name=f"{dtype}{len(parameters)}")

    with pytest.raises(InputError, match="bfloat16 rounds away") as caught:
        computing("bfloat16")
    assert caught.value.place == "defense.0, compute.dtype"
    assert caught.value.remedy == f'Write "float32", or set {strength} = 0.'
    for study in (computing("float32"), computing("bfloat16", **{strength: 0.0})):
        assert study.frozen.protocol.defense[0].name == name


def test_a_defense_that_asks_for_more_blocks_than_there_are_is_told_before_the_run(tmp_path: Path) -> None:
    """Its default is that of a model of 32."""
    with pytest.raises(InputError, match="8 blocks are to be drawn, and the model has 2") as caught:
        begin(tmp_path, lambda data: data.update(defense=[{"name": "targeted_vaccine", "train_steps": 4}]))
    assert caught.value.place == "defense.0, layers"
    assert [path.name for path in (tmp_path / "study").iterdir()] == ["protocol.toml"]
