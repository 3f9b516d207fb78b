"""What single tasks are expected to put through their subject, against what cells wrote down that they did."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.studies import begin, finish

from titer.methods import registry
from titer.methods.attacks.fine_tuning.direct import Direct
from titer.methods.attacks.fine_tuning.grpo import GRPO
from titer.methods.defenses.loss_based.adversarial_loss import AdversarialLoss
from titer.methods.defenses.loss_based.crl import CRL
from titer.methods.defenses.loss_based.npo import NPO
from titer.planning.cost.estimate import Outlook
from titer.planning.cost.model import Work
from titer.planning.plan import Planner
from titer.study.folder import Study
from titer.study.tasks import ExposeTask, MakeTask
from titer.training.recipe import Adagrad, LoRA, Training


@pytest.fixture(scope="module")
def new(tmp_path_factory: pytest.TempPathFactory) -> Study:
    return begin(tmp_path_factory.mktemp("new"))


def exposures(outlook: Outlook) -> list[ExposeTask]:
    return [task for task in outlook.tasks.values() if isinstance(task, ExposeTask)]


def attacked(outlook: Outlook) -> ExposeTask:
    return next(task for task in exposures(outlook) if task.cell.stop is not None)


def flops(work: Work) -> float:
    return work.in_batches + work.in_decoding


def test_tokens_and_operations_of_training_are_those_recorded(tmp_path: Path) -> None:
    """The exposures of full training, whose cells write down what each dose had cost."""
    study = begin(tmp_path)
    outlook = Outlook(Planner(study), 1)
    finish(study)
    trained = 0
    for task in exposures(outlook):
        if isinstance(attack := registry.attack(task.inputs.attack), Training):
            for dose in task.cell.doses[1:]:
                if study.store.answers(task.key, dose).exists():
                    spent = study.store.read_facts(task.key, dose).spent
                    step = outlook.costs.step(attack, task.inputs.material)
                    assert dose * step.tokens == pytest.approx(spent.tokens, rel=0.1)
                    assert dose * flops(step) == pytest.approx(spent.flops, rel=0.1)
                    trained += 1
    assert trained > 10


REWARDED = {"name": "grpo", "lr": 1e-3, "batch": 2, "accumulation": 2, "prompts": 4, "group": 4}


def test_what_an_attack_reads_and_says_beside_its_training_is_foreseen(tmp_path: Path) -> None:
    """Both log-probabilities of every pair once; answers sampled at every step, then trained on."""

    def change(data: dict[str, Any]) -> None:
        data["attacker"]["attack"] = [{"name": "dpo", "lr": 1e-3, "batch": 4}, REWARDED]
        data["harm"]["frame"]["max_new_tokens"] = 3

    study = begin(tmp_path, change)
    outlook = Outlook(Planner(study), 1)
    finish(study)
    shares: dict[str, list[float]] = {"dpo": [], "grpo": []}
    for task in exposures(outlook):
        if task.inputs.attack.name in shares:
            for dose in task.cell.doses[1:]:
                if study.store.answers(task.key, dose).exists():
                    expected = flops(outlook.costs.expose(task, dose))
                    for probe in task.inputs.probes:
                        expected -= flops(outlook.costs.ask(probe)) * len(
                            [one for one in task.cell.doses if one <= dose]
                        )
                    shares[task.inputs.attack.name].append(
                        study.store.read_facts(task.key, dose).spent.flops / expected
                    )
    assert len(shares["dpo"]) > 4
    assert len(shares["grpo"]) > 4
    assert all(0.9 < share < 1.1 for share in shares["dpo"]), shares
    assert all(0.7 < share < 1.05 for share in shares["grpo"]), "answers may end before they must"


def test_answers_of_an_attack_are_decoded_and_then_trained_on(new: Study) -> None:
    outlook = Outlook(Planner(new), 1)
    costs, task = outlook.costs, attacked(outlook)
    prompt = new.frozen.tokens[task.inputs.probes[0].name]
    short, long = (costs.step(GRPO(batch=2, longest=n), task.inputs.material, task.inputs.probes) for n in (4, 8))
    assert short.tokens == 2 * 16 * (prompt + 4)
    assert flops(short) == pytest.approx((2 + 6) * costs.weights * 16 * (prompt + 4))
    assert short.in_decoding == 2 * costs.weights * 16 * 4
    assert long.in_decoding == 2 * short.in_decoding


def test_an_adapter_saves_the_operations_of_the_weights_gradient(new: Study) -> None:
    outlook = Outlook(Planner(new), 1)
    costs, material = outlook.costs, attacked(outlook).inputs.material
    of_full, of_adapter = (
        costs.step(attack, material) for attack in (Direct(batch=4), Direct(batch=4, trainable=LoRA()))
    )
    assert of_full.tokens == of_adapter.tokens
    assert of_full.in_batches == pytest.approx(6 * costs.weights * of_full.tokens)
    assert of_adapter.in_batches == pytest.approx(4 * costs.weights * of_full.tokens)


def test_asking_takes_the_prompts_and_the_longest_answers(new: Study) -> None:
    outlook = Outlook(Planner(new), 1)
    probe = attacked(outlook).inputs.probes[0]
    asked, prompt = outlook.costs.ask(probe), new.frozen.tokens[probe.name]
    assert asked.tokens == 16 * (prompt + 4)
    assert asked.in_batches == pytest.approx(2 * outlook.costs.weights * 16 * prompt)
    assert asked.in_decoding == 2 * outlook.costs.weights * 16 * 4


def test_options_are_read_and_not_decoded(new: Study) -> None:
    outlook = Outlook(Planner(new), 1)
    probes = [probe for task in exposures(outlook) for probe in task.inputs.probes]
    asked = outlook.costs.ask(next(probe for probe in probes if probe.method.name == "choice"))
    assert asked.in_batches > 0
    assert asked.in_decoding == 0


def test_a_defense_counts_every_pass_of_a_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Adversarial loss puts refusals and harmful responses through the subject."""

    def defended(data: dict[str, Any]) -> None:
        data["defense"] = [{"name": "adversarial_loss", "train_steps": 4, "lr": 1e-3, "batch": 4}]

    outlook = Outlook(Planner(begin(tmp_path, defended)), 1)
    (make,) = (task for task in outlook.tasks.values() if isinstance(task, MakeTask))
    twice = outlook.costs.make(make)
    monkeypatch.setattr(AdversarialLoss, "passes", 1)
    once = outlook.costs.make(make)
    assert once.tokens > 0
    assert twice == Work(tasks=1, tokens=2 * once.tokens, in_batches=2 * once.in_batches)


def test_what_a_defense_reads_before_its_training_is_counted(tmp_path: Path) -> None:
    """NPO reads its harmful rows once, and is otherwise as SimNPO is."""
    made, rows, mean = [], 0, 0.0  # of conversations, and of tokens in one
    for name in ("npo", "simnpo"):

        def defended(data: dict[str, Any], name: str = name) -> None:
            data["defense"] = [{"name": name, "train_steps": 4, "lr": 1e-3, "batch": 4}]

        study = begin(tmp_path / name, defended)
        outlook = Outlook(Planner(study), 1)
        (make,) = (task for task in outlook.tasks.values() if isinstance(task, MakeTask))
        made.append(outlook.costs.make(make))
        rows = sum(own.splits["defend"] for own in study.protocol.domains("defended"))
        mean = outlook.costs.step(NPO(train_steps=4, batch=1), make.material).tokens
    assert rows > 0
    assert made[0].tokens == pytest.approx(made[1].tokens + rows * mean)


def test_a_search_among_blocks_reads_its_rows_once_for_each_and_once_before(tmp_path: Path) -> None:
    """As many rows of each kind as are asked for, or as there are; none where the block is named."""
    made, rows, mean = {}, 0, 0.0
    for name, own in (("named", {"layer": 1}), ("two", {"prompts": 2}), ("all", {})):

        def defended(data: dict[str, Any], own: dict[str, Any] = own) -> None:
            data["defense"] = [{"name": "deep_refusal", "train_steps": 4, "batch": 4, **own}]

        study = begin(tmp_path / name, defended)
        outlook = Outlook(Planner(study), 1)
        (make,) = (task for task in outlook.tasks.values() if isinstance(task, MakeTask))
        made[name] = outlook.costs.make(make)
        rows = sum(own.splits["defend"] for own in study.protocol.domains("defended"))
        mean = outlook.costs.step(NPO(train_steps=4, batch=1), make.material).tokens
        blocks = study.frozen.blocks
    assert blocks == 2
    assert rows < 128
    for name, prompts in (("two", 2), ("all", rows)):
        assert made[name].tokens - made["named"].tokens == pytest.approx(2 * prompts * (1 + blocks) * mean)


def test_what_a_pilot_trains_on_is_counted_once(tmp_path: Path) -> None:
    """Four more steps of four rows, whatever the number of steps that follow."""
    made, mean = [], 0.0
    for steps, pilot in ((4, 2), (4, 6), (8, 6)):

        def defended(data: dict[str, Any], steps: int = steps, pilot: int = pilot) -> None:
            vaa = {"name": "vaa", "train_steps": steps, "batch": 4, "pilot_steps": pilot, "pilot_poison": 1.0}
            data["defense"] = [vaa]

        outlook = Outlook(Planner(begin(tmp_path / f"{steps} {pilot}", defended)), 1)
        (make,) = (task for task in outlook.tasks.values() if isinstance(task, MakeTask))
        made.append(outlook.costs.make(make))
        mean = outlook.costs.step(NPO(train_steps=4, batch=1), make.material).tokens
    assert made[1].tokens - made[0].tokens == pytest.approx(4 * 4 * mean)
    assert made[1].in_batches - made[0].in_batches == pytest.approx(6 * outlook.costs.weights * 4 * 4 * mean)
    assert made[2].tokens - made[1].tokens == pytest.approx(4 * 6 * mean)  # half of a step's rows go twice


def test_what_a_step_only_reads_takes_the_operations_of_reading(new: Study) -> None:
    """A reference reads the ten conversations of a step of `crl` beside the training on them."""
    outlook = Outlook(Planner(new), 1)
    costs, material = outlook.costs, attacked(outlook).inputs.material
    step, trained = (costs.step(own, material) for own in (CRL(train_steps=1, batch=2), Direct(batch=10)))
    assert step.tokens == pytest.approx(2 * trained.tokens)
    assert step.in_batches == pytest.approx(8 / 6 * trained.in_batches)


def test_the_weights_of_a_task_are_counted(new: Study) -> None:
    """Subject and copy; in full training a gradient, and two moments where the optimizer keeps them."""
    outlook = Outlook(Planner(new), 1)
    one = 4 * outlook.costs.weights
    task = attacked(outlook)
    attacks = (Direct(), Direct(optimizer=Adagrad()), Direct(trainable=LoRA()))
    changed = [attack.to_data() for attack in attacks]
    tasks = [
        task.model_copy(update={"inputs": task.inputs.model_copy(update={"attack": chosen})})
        for chosen in (task.inputs.attack.model_copy(update={"parameters": data}) for data in changed)
    ]
    assert [outlook.costs.memory(task) / one for task in tasks] == [5, 3, 2]


def test_the_copies_of_a_method_are_counted_unless_it_trains_an_adapter(tmp_path: Path) -> None:
    """Subject, gradient and two moments, what it says beside them, and the parent that it asks for."""
    defenses: list[tuple[dict[str, Any], int]] = [
        ({"name": "refusal_sft"}, 4),
        ({"name": "seam"}, 8),
        ({"name": "seam", "trainable": "lora"}, 1),
        ({"name": "random_displacement", "displacement": 0.1}, 3),
    ]
    for number, (chosen, copies) in enumerate(defenses):

        def defended(data: dict[str, Any], chosen: dict[str, Any] = chosen) -> None:
            trained = {} if "displacement" in chosen else {"train_steps": 4, "lr": 1e-3, "batch": 4}
            data["defense"] = [{**chosen, **trained}]

        outlook = Outlook(Planner(begin(tmp_path / str(number), defended)), 1)
        (make,) = (task for task in outlook.tasks.values() if isinstance(task, MakeTask))
        assert outlook.costs.memory(make) == copies * 4 * outlook.costs.weights
