"""A measurement before the run: what it writes down for attacks of several kinds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from support.studies import begin

from titer.execution.timing import TIMED_STEPS, measure_speed
from titer.methods import registry
from titer.planning.cost.estimate import Outlook
from titer.planning.cost.model import Trains
from titer.planning.plan import Planner
from titer.study.tasks import ExposeTask

DIRECT = {"name": "direct", "lr": 1e-3, "batch": 4}
REWARDED = {"name": "grpo", "lr": 1e-3, "batch": 2, "prompts": 4, "group": 4}
SOFT = {"name": "soft_prompt", "tokens": 4, "ladder": {"soft_steps": [0, 8]}}
NOISE = {"name": "noise", "ladder": {"noise": [0, 1]}}


def measured(folder: Path, *attacks: dict[str, Any]) -> tuple[Outlook, list[dict[str, Any]]]:
    """A study that was measured, and the work of each measurement."""

    def change(data: dict[str, Any]) -> None:
        data["attacker"]["attack"] = list(attacks)
        axes = {axis: ladder[-1] for attack in attacks for axis, ladder in attack.get("ladder", {}).items()}
        data["attacker"]["budget"] |= axes

    study = begin(folder, change)
    measure_speed(study)
    lines = study.store.runs.read_text(encoding="utf-8").splitlines()
    return Outlook(Planner(study), 1), [json.loads(line)["work"] for line in lines]


@pytest.mark.parametrize("attacks", [(DIRECT,), (REWARDED,), (SOFT, DIRECT)], ids=lambda attacks: attacks[0]["name"])
def test_steps_of_the_first_attack_that_counts_in_them_are_timed(
    attacks: tuple[dict[str, Any], ...], tmp_path: Path
) -> None:
    outlook, (opening, answers, steps) = measured(tmp_path, *attacks)
    assert opening == {"tasks": 1, "tokens": 0, "in_batches": 0, "in_decoding": 0}
    exposures = [task for task in outlook.tasks.values() if isinstance(task, ExposeTask)]
    task = next(
        task
        for task in exposures
        if task.inputs.attack.name == attacks[-1]["name"] and task.inputs.probes[0].name == "harm:red"
    )
    attack = registry.attack(task.inputs.attack)
    assert isinstance(attack, Trains)
    assert answers == outlook.costs.ask(task.inputs.probes[0])._asdict()
    assert steps["tokens"] == TIMED_STEPS * outlook.costs.step(attack, task.inputs.material, task.inputs.probes).tokens
    assert outlook.left_seconds is not None


def test_without_such_an_attack_the_answers_alone_are_timed(tmp_path: Path) -> None:
    outlook, works = measured(tmp_path, NOISE)
    assert len(works) == 2
    assert outlook.left_seconds is not None
