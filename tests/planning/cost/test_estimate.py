"""What is expected of a study against what it was, and the arithmetic of what is left."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.command import Here
from support.studies import begin, finish

from titer.execution.worker import work
from titer.methods import registry
from titer.methods.attacks.fine_tuning.direct import Direct
from titer.methods.attacks.fine_tuning.grpo import GRPO
from titer.planning.cost.estimate import Estimate, Outlook, estimate
from titer.planning.cost.model import Rates
from titer.planning.plan import plan
from titer.records import DoseFacts
from titer.study.atomic_files import read_lines
from titer.study.folder import Study
from titer.study.tasks import ExposeTask
from titer.training.recipe import LoRA, Training


@pytest.fixture(scope="module")
def new(tmp_path_factory: pytest.TempPathFactory) -> Study:
    return begin(tmp_path_factory.mktemp("new"))


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Study:
    study = begin(tmp_path_factory.mktemp("done"))
    finish(study)
    return study


def logged(study: Study) -> list[dict[str, Any]]:
    return [json.loads(line) for line in study.store.runs.read_text(encoding="utf-8").splitlines()]


def test_every_task_is_foreseen_and_no_other(new: Study, done: Study) -> None:
    """The shams too, which are planned only when M's doses are known."""
    assert Outlook(new, 1).tasks.keys() == {task["key"] for task in logged(done) if task["task"] != "judge"}


def test_disk_and_memory_are_within_a_factor_of_two(new: Study, done: Study) -> None:
    expected = estimate(new, 1)
    size = sum(path.stat().st_size for path in done.store.root.rglob("*") if path.is_file())
    assert 0.5 < expected.disk_bytes / size < 2
    worker = expected.memory_bytes - 2 * Rates().base_bytes
    peak = max(task["peak_bytes"] for task in logged(done))
    assert 0.3 < worker / peak < 2


def test_nothing_is_left_of_a_finished_study(done: Study) -> None:
    nothing = Estimate(cells=0, tokens=0.0, flops=0.0, seconds=0.0, memory_bytes=0.0, disk_bytes=0.0)
    assert estimate(done, 2) == nothing


def test_tokens_and_operations_of_training_are_those_recorded(new: Study, done: Study) -> None:
    """The exposures of full training, whose cells write down what each dose had cost."""
    outlook = Outlook(new, 1)
    trained = 0
    for task in outlook.tasks.values():
        if isinstance(task, ExposeTask) and isinstance(attack := registry.attack(task.attack), Training):
            for dose in task.doses[1:]:
                if not done.store.answers(task.key, dose).exists():
                    continue
                spent = DoseFacts.from_json(read_lines(done.store.answers(task.key, dose))[0]).spent
                step = outlook.costs.step(attack, task.material)
                assert dose * step.tokens == pytest.approx(spent.tokens, rel=0.1)
                assert dose * step.flops == pytest.approx(spent.flops, rel=0.1)
                trained += 1
    assert trained > 10


REWARDED = {"name": "grpo", "lr": 1e-3, "batch": 2, "accumulation": 2, "prompts": 4, "group": 4}


def test_what_an_attack_reads_and_says_beside_its_training_is_foreseen(tmp_path: Path) -> None:
    """Both log-probabilities of every pair once; answers sampled at every step, then trained on."""

    def change(data: dict[str, Any]) -> None:
        data["attacker"]["attack"] = [{"name": "dpo", "lr": 1e-3, "batch": 4}, REWARDED]
        data["harm"]["frame"]["max_new_tokens"] = 3

    study = begin(tmp_path, change)
    outlook = Outlook(study, 1)
    finish(study)
    shares: dict[str, list[float]] = {"dpo": [], "grpo": []}
    for task in outlook.tasks.values():
        if isinstance(task, ExposeTask) and task.attack.name in shares:
            for dose in task.doses[1:]:
                if study.store.answers(task.key, dose).exists():
                    expected = outlook.costs.expose(task, dose).flops
                    for probe in task.probes:
                        expected -= outlook.costs.ask(probe).flops * len([one for one in task.doses if one <= dose])
                    spent = DoseFacts.from_json(read_lines(study.store.answers(task.key, dose))[0]).spent
                    shares[task.attack.name].append(spent.flops / expected)
    assert len(shares["dpo"]) > 4
    assert len(shares["grpo"]) > 4
    assert all(0.9 < share < 1.1 for share in shares["dpo"]), shares
    assert all(0.7 < share < 1.05 for share in shares["grpo"]), "answers may end before they must"


def test_answers_of_an_attack_take_longer_the_longer_they_may_be(new: Study) -> None:
    costs = Outlook(new, 1).costs
    task = next(t for t in Outlook(new, 1).tasks.values() if isinstance(t, ExposeTask) and t.stop is not None)
    prompt = new.frozen.tokens[task.probes[0].name]
    short, long = (costs.step(GRPO(batch=2, longest=n), task.material, task.probes) for n in (4, 8))
    assert short.tokens == 2 * 16 * (prompt + 4)
    assert short.flops == pytest.approx((2 + 6) * costs.weights * 16 * (prompt + 4))
    assert long.seconds > short.seconds + 4 * Rates().token_seconds


def test_an_adapter_saves_the_operations_of_the_weights_gradient(new: Study) -> None:
    costs = Outlook(new, 1).costs
    task = next(t for t in Outlook(new, 1).tasks.values() if isinstance(t, ExposeTask) and t.stop is not None)
    full, adapter = Direct(batch=4), Direct(batch=4, trainable=LoRA())
    of_full, of_adapter = (costs.step(attack, task.material) for attack in (full, adapter))
    assert of_full.tokens == of_adapter.tokens
    assert of_full.flops == pytest.approx(6 * costs.weights * of_full.tokens)
    assert of_adapter.flops == pytest.approx(4 * costs.weights * of_full.tokens)


def test_asking_takes_the_prompts_and_the_longest_answers(new: Study) -> None:
    costs = Outlook(new, 1).costs
    task = next(t for t in Outlook(new, 1).tasks.values() if isinstance(t, ExposeTask) and t.stop is not None)
    probe = task.probes[0]
    asked = costs.ask(probe)
    assert asked.tokens == 16 * (new.frozen.tokens[probe.name] + 4)
    assert asked.flops == 2 * costs.weights * asked.tokens


def test_the_whole_is_the_sum_of_its_tasks(new: Study) -> None:
    outlook, whole = Outlook(new, 1), estimate(new, 1)
    efforts = [outlook.effort(task) for task in outlook.tasks.values()]
    assert whole.tokens == pytest.approx(sum(effort.tokens for effort in efforts))
    assert whole.flops == pytest.approx(sum(effort.flops for effort in efforts))
    assert outlook.left_seconds == pytest.approx(sum(e.seconds for e in efforts) + Rates().begin_seconds)


def test_a_price_of_an_hour_makes_money_of_the_time(new: Study, here: Here) -> None:
    free = json.loads(here("plan", new.folder, "--json").out)
    assert (free["price_per_hour"], free["money"]) == (None, None)
    paid = json.loads(here("plan", new.folder, "--price", 3600, "--json").out)
    assert paid["money"] == pytest.approx(paid["seconds"], abs=0.06)
    assert (paid["tokens"], paid["flops"]) == (round(estimate(new, 1).tokens), round(estimate(new, 1).flops))
    said = here("plan", new.folder, "--price", 2.5).out
    assert "at 2.5 an hour" in said
    assert "million through the model" in said
    assert "money" not in here("plan", new.folder).out


@pytest.mark.parametrize("price", ["-1", "nan", "inf", "cheap"])
def test_a_price_is_a_number(price: str, new: Study, here: Here) -> None:
    done = here("plan", new.folder, "--price", price, "--json")
    assert (done.code, done.out) == (2, "")
    assert "--price" in done.err


def test_workers_share_the_work(new: Study) -> None:
    alone, two = estimate(new, 1), estimate(new, 2)
    assert alone.seconds / 2 < two.seconds < alone.seconds
    assert two.memory_bytes > alone.memory_bytes
    assert (two.cells, two.disk_bytes) == (alone.cells, alone.disk_bytes)


def test_a_slower_machine_takes_longer(new: Study) -> None:
    slow = replace(Rates(), flops=1e6, bandwidth=1e6)
    assert estimate(new, 1, slow).seconds > 10 * estimate(new, 1).seconds


def test_what_is_left_falls_to_nothing_and_is_counted_as_done(tmp_path: Path) -> None:
    study = begin(tmp_path)
    outlook = Outlook(study, 1)
    whole = outlook.left_seconds
    outlook.update(plan(study), None)
    assert outlook.left_seconds == pytest.approx(whole)
    left = []
    while tasks := plan(study).tasks:
        work(tasks[0], study.store)
        outlook.update(plan(study), tasks[0])
        left.append(outlook.left_seconds)
    assert left == sorted(left, reverse=True)
    assert left[-1] == 0
    assert outlook.done_seconds == pytest.approx(whole)


def test_a_subject_is_made_before_it_is_used(new: Study) -> None:
    """However many workers there are, M* costs its make and then one exposure."""
    outlook = Outlook(new, 1000)
    makes = [key for key, task in outlook.tasks.items() if task.kind == "make"]
    uses = [
        outlook.seconds[key]
        for key, task in outlook.tasks.items()
        if isinstance(task, ExposeTask) and task.subject.key in makes
    ]
    expected = sum(outlook.seconds[key] for key in makes) + max(uses) + Rates().begin_seconds
    assert outlook.left_seconds == pytest.approx(expected)
