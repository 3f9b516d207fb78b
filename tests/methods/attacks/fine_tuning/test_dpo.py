"""Preference training: the loss and its gradient against a straight formula, and what the reference is."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from support.studies import begin
from support.tiny_study import tiny_protocol
from torch import Tensor

from titer.errors import InputError
from titer.methods.attacks.fine_tuning.dpo import DPO
from titer.models.chat_format import encode_example
from titer.models.subject import Subject
from titer.records import Frame, Row
from titer.testing import check_attack, same, tiny_material, tiny_subject, weights
from titer.training.objectives.dpo import Preference
from titer.training.recipe import LoRA
from titer.training.sft import count_responses, log_probs
from titer.training.types import Material


def pairs(number: int = 6) -> Material:
    """Pairs whose responses differ in length."""
    material = tiny_material(number)
    return replace(material, harmful=material.train)


def moved_subject() -> Subject:
    subject = tiny_subject()
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in subject.model.parameters():
            parameter.add_(0.05 * torch.randn(parameter.shape, generator=generator))
    return subject


def summed(subject: Subject, row: Row, response: str | None) -> Tensor:
    """log p(response | prompt), one conversation at a time, token by token."""
    assert response is not None
    example = encode_example(subject.tokenizer, row.prompt, response, Frame())
    table = subject.model(input_ids=torch.tensor([example.ids])).logits[0].log_softmax(-1)
    places = [place for place, inside in enumerate(example.mask) if inside]
    return torch.stack([table[place - 1, example.ids[place]] for place in places]).sum()


def by_formula(subject: Subject, rows: tuple[Row, ...], beta: float) -> Tensor:
    """-log sigmoid(beta (log-ratio of the harmful response - log-ratio of the refusal)), the mean over the rows."""
    baseline = tiny_subject()
    losses = []
    for row in rows:
        with torch.no_grad():
            reference = summed(baseline, row, row.response) - summed(baseline, row, row.refusal)
        h = summed(subject, row, row.response) - summed(subject, row, row.refusal) - reference
        losses.append(-torch.log(1 / (1 + torch.exp(-beta * h))))
    return torch.stack(losses).mean()


def gradients(subject: Subject) -> dict[str, Tensor]:
    found = {name: own.grad.clone() for name, own in subject.model.named_parameters() if own.grad is not None}
    subject.model.zero_grad(set_to_none=True)
    return found


@pytest.mark.parametrize(
    "attack",
    [
        DPO(lr=1e-2, batch=4),
        DPO(lr=1e-2, batch=2, accumulation=2, shots=5, beta=0.5),
        DPO(lr=1e-2, batch=4, trainable=LoRA(rank=2, dropout=0.1)),
        DPO(lr=1e-2, batch=4, template="plain"),
    ],
)
def test_conformance(attack: DPO) -> None:
    check_attack(attack)


@pytest.mark.parametrize("attack", [DPO(batch=4, beta=0.7), DPO(batch=3, trainable=LoRA(rank=4))])
def test_the_first_loss_is_that_of_a_coin(attack: DPO) -> None:
    first = next(iter(attack.steps(tiny_subject(), tiny_material(), 1, 0)))
    assert first.terms["loss"] == pytest.approx(math.log(2), abs=1e-5)
    assert first.terms["margin"] == pytest.approx(0, abs=1e-4)


@pytest.mark.parametrize("batch", [1, 4, 6])
def test_loss_and_gradient_are_those_of_the_formula(batch: int) -> None:
    """At weights that have moved away from the reference, whatever goes through the subject at once."""
    material, beta = pairs(6), 0.3
    objective = Preference(pairs=6, batch=batch, beta=beta)
    objective.backward(tiny_subject(), material, 0, 0)
    subject = moved_subject()
    update = objective.backward(subject, material, 1, 0)
    found = gradients(subject)
    straight = by_formula(subject, material.harmful, beta)
    torch.autograd.backward(straight)
    expected = gradients(subject)
    assert update.terms["loss"] == pytest.approx(float(straight.detach()), abs=1e-4)
    assert abs(update.terms["loss"] - math.log(2)) > 0.05, "the reference is not where the subject is"
    for name, gradient in expected.items():
        assert torch.allclose(found[name], gradient, rtol=1e-3, atol=1e-5), name


def test_beta_scales_the_first_gradient_and_lets_go_of_pairs_that_are_won() -> None:
    norms = {}
    for beta in (0.1, 0.2, 1.0):
        subject, material = tiny_subject(), pairs(4)
        Preference(pairs=4, batch=4, beta=beta).backward(subject, material, 0, 0)
        norms[beta] = {name: gradient / beta for name, gradient in gradients(subject).items()}
    for name, gradient in norms[0.1].items():
        assert torch.allclose(gradient, norms[0.2][name], rtol=1e-2, atol=1e-4)
    last = {}
    for beta in (0.1, 1.0):
        steps = list(DPO(lr=1e-2, batch=6, beta=beta).steps(tiny_subject(), tiny_material(6), 40, 0))
        assert steps[-1].terms["reward_accuracy"] == 1.0
        last[beta] = steps[-1].terms["margin"] / beta
    assert last[1.0] < last[0.1], "the stricter one keeps nearer to the reference"


def test_the_harmful_response_gains_on_the_refusal() -> None:
    subject, material = tiny_subject(), tiny_material(6)
    with torch.no_grad():
        before = [
            float(summed(subject, row, row.response) - summed(subject, row, row.refusal)) for row in material.train
        ]
    steps = list(DPO(lr=1e-2, batch=6).steps(subject, material, 30, 0))
    with torch.no_grad():
        after = [
            float(summed(subject, row, row.response) - summed(subject, row, row.refusal)) for row in material.train
        ]
    assert all(now > then + 1 for then, now in zip(before, after, strict=True))
    assert steps[-1].terms["loss"] < 0.5 * steps[0].terms["loss"]


def test_log_probabilities_are_over_the_response_alone_and_padding_is_no_part_of_them() -> None:
    subject, rows = tiny_subject(), tiny_material(6).train
    examples = [
        encode_example(subject.tokenizer, row.prompt, row.response * (i + 1), Frame()) for i, row in enumerate(rows)
    ]
    (together,) = count_responses(subject, examples, len(examples))
    with torch.no_grad():
        in_batch = log_probs(subject, together)
        for place, (row, example) in enumerate(zip(rows, examples, strict=True)):
            (alone,) = count_responses(subject, [example], 1)
            assert float(log_probs(subject, alone)) == pytest.approx(float(in_batch[place]), abs=1e-3)
            assert float(in_batch[place]) == pytest.approx(
                float(summed(subject, row, row.response * (place + 1))), abs=1e-3
            )


def test_a_learning_rate_of_zero_changes_nothing() -> None:
    subject = tiny_subject()
    before = weights(subject)
    steps = list(DPO().model_copy(update={"lr": 0.0}).steps(subject, tiny_material(), 3, 0))
    assert same(before, weights(subject))
    assert [step.terms["loss"] for step in steps] == pytest.approx([math.log(2)] * 3, abs=1e-5)


def test_shots_are_so_many_pairs_drawn_anew_for_each_seed() -> None:
    used = []
    for seed in (0, 1):
        steps = list(DPO(batch=2, shots=3).steps(tiny_subject(), tiny_material(), 3, seed))
        assert steps[-1].rows_used == 3
        used.append({row for step in steps for row in step.rows})
    assert used[0] != used[1]


def test_reading_the_reference_is_paid_for_once() -> None:
    """Two conversations a pair: 2 operations a weight and token in the reference, 6 in training."""
    subject, material = tiny_subject(), tiny_material(4)
    one, two = DPO(batch=4).steps(subject, material, 2, 0)
    assert one.spent.examples == 4
    assert one.spent.tokens == one.loss_tokens["response"] + sum(
        2 * len(encode_example(subject.tokenizer, row.prompt, "", Frame()).prompt) for row in material.train
    )
    assert one.spent.flops == subject.parameters_total * (6 + 2) * one.spent.tokens
    assert two.spent.flops - one.spent.flops == subject.parameters_total * 6 * one.spent.tokens


def without_refusals(data: dict[str, Any], folder: Path) -> None:
    """The rows of the study in files that have no column of refusals."""
    for domain in data["harm"]["domain"]:
        path = folder / f"{domain['name']}.jsonl"
        path.write_text(Path(domain["source"]).read_text().replace('"refusal"', '"said"'), encoding="utf-8")
        domain["source"] = str(path)


@pytest.mark.parametrize(
    ("attack", "bare", "problem", "remedy"),
    [
        ({"name": "dpo"}, True, "dpo learns from refusals, and row ", r"harm.domain.0.refusals"),
        ({"name": "dpo", "shots": 21}, False, "dpo takes 21 harmful rows, and red has 20", "splits.attack"),
    ],
)
def test_missing_pairs_are_told_before_the_run(
    tmp_path: Path, attack: dict[str, Any], bare: bool, problem: str, remedy: str
) -> None:
    def change(data: dict[str, Any]) -> None:
        data["attacker"]["attack"] = [attack]
        if bare:
            data["defense"] = []
            data["stability"], data["attacker"]["sham"] = {}, False
            del data["stability"]
            without_refusals(data, tmp_path)

    with pytest.raises(InputError) as caught:
        begin(tmp_path, change)
    assert caught.value.place == "attacker.attack.0"
    assert problem in caught.value.problem
    assert remedy in caught.value.remedy


def test_a_benign_task_has_no_refusals_to_learn_from(tmp_path: Path) -> None:
    def change(data: dict[str, Any]) -> None:
        whole = tiny_protocol(tmp_path / "in")
        data["trainability"], data["task"] = whole["trainability"] | {"attack": "dpo"}, whole["task"]

    with pytest.raises(InputError, match=r"trainability.attack: dpo does not train on the rows of a task alone"):
        begin(tmp_path, change)
