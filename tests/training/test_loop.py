"""The training loop: what it descends, that it repeats itself, resumes exactly and stops when it diverges."""

from __future__ import annotations

from contextlib import closing
from itertools import islice
from typing import Any

import pytest
import torch

from titer.errors import InputError, MethodFailure
from titer.models.chat_format import encode_example
from titer.models.subject import Subject
from titer.records import Row
from titer.testing import WeightsByName, same, tiny_material, tiny_subject, weights
from titer.training.loop import Recipe, train
from titer.training.recipe import SGD, AdamW, LoRA, Training
from titer.training.schedules import Constant, Cosine, Warmup
from titer.training.sft import SFT, RowSource
from titer.training.types import Material, State

HARMFUL: dict[RowSource, int] = {"harmful": 4}


def recipe(training: Training, rows: dict[RowSource, int] = HARMFUL) -> Recipe:
    return Recipe(objective=SFT(rows=rows, batch=training.batch), training=training)


def trained(
    training: Training, steps: int = 4, rows: dict[RowSource, int] = HARMFUL, carry: State | None = None
) -> WeightsByName:
    subject = tiny_subject()
    for _ in train(subject, tiny_material(), recipe(training, rows), steps=steps, seed=1, carry=carry):
        last = weights(subject)
    return last


def distance(one: WeightsByName, other: WeightsByName) -> float:
    return max(float((one[name] - other[name]).abs().max()) for name in one)


def test_one_step_is_the_hand_made_one() -> None:
    """Mean NLL of the response tokens, its gradient clipped, one step of plain descent."""
    by_hand, material = tiny_subject(), tiny_material(4)
    nats, count = torch.zeros(()), 0
    for row in material.harmful:
        example = encode_example(by_hand.tokenizer, row.prompt, row.response, material.frame)
        table = by_hand.model(input_ids=torch.tensor([example.ids])).logits[0].log_softmax(-1)
        for place, inside in enumerate(example.mask):
            if inside:
                nats, count = nats - table[place - 1, example.ids[place]], count + 1
    torch.autograd.backward(nats / count)
    norm = torch.nn.utils.clip_grad_norm_(by_hand.model.parameters(), 0.5)
    with torch.no_grad():
        for parameter in by_hand.model.parameters():
            assert parameter.grad is not None
            parameter.sub_(0.1 * parameter.grad)

    subject = tiny_subject()
    training = Training(lr=0.1, batch=4, optimizer=SGD(), clip=0.5)
    (step,) = train(subject, material, recipe(training), steps=1, seed=1)
    assert step.terms["loss"] == pytest.approx(float(nats.detach()) / count, rel=1e-5)
    assert step.terms["gradient_norm"] == pytest.approx(float(norm), rel=1e-4)
    assert distance(weights(subject), weights(by_hand)) < 1e-6
    assert step.loss_tokens == {"prompt": 0, "response": count, "padding": 0}
    read = sum(
        len(encode_example(subject.tokenizer, r.prompt, r.response, material.frame).ids) for r in material.harmful
    )
    assert (step.spent.examples, step.spent.tokens) == (4, read)
    assert step.spent.flops == 6 * subject.parameters_total * read
    assert step.rows_used == 4


def test_accumulating_8_times_1_equals_1_times_8() -> None:
    rows: dict[RowSource, int] = {"harmful": 5, "benign": 3}
    whole = trained(Training(lr=1e-2, batch=8), rows=rows)
    parts = trained(Training(lr=1e-2, batch=1, accumulation=8), rows=rows)
    assert distance(whole, parts) < 1e-4
    assert distance(whole, weights(tiny_subject())) > 1e-2


@pytest.mark.parametrize("trainable", [{"kind": "full"}, {"kind": "lora", "rank": 2, "dropout": 0.2}])
@pytest.mark.parametrize("optimizer", [AdamW(weight_decay=0.1), SGD(momentum=0.9)])
def test_resumed_equals_uninterrupted_bit_for_bit(trainable: dict[str, Any], optimizer: AdamW | SGD) -> None:
    training = Training.model_validate_json(f'{{"lr": 0.01, "batch": 2, "trainable": {trainable}}}'.replace("'", '"'))
    training = training.model_copy(update={"optimizer": optimizer, "schedule": Cosine(warmup=2)})
    subject = tiny_subject()
    with closing(train(subject, tiny_material(), recipe(training), steps=6, seed=1)) as running:
        step = next(islice(running, 2, None))
        assert step.state is not None
        state = step.state()
        carry = State(step=state.step, tensors={name: tensor.clone() for name, tensor in state.tensors.items()})
    assert carry.step == 3
    assert same(trained(training, 6, carry=carry), trained(training, 6))
    resumed = list(train(tiny_subject(), tiny_material(), recipe(training), steps=6, seed=1, carry=carry))
    through = list(train(tiny_subject(), tiny_material(), recipe(training), steps=6, seed=1))
    assert [(one.dose, one.spent, one.terms, one.loss_tokens, one.rows_used) for one in resumed] == [
        (one.dose, one.spent, one.terms, one.loss_tokens, one.rows_used) for one in through[3:]
    ]


def test_lora_trains_the_adapter_only_and_is_gone_afterwards() -> None:
    subject = tiny_subject()
    before = weights(subject)
    running = train(subject, tiny_material(), recipe(Training(lr=1e-2, trainable=LoRA(rank=2))), steps=3, seed=1)
    with closing(running):
        next(running)
        assert subject.adapted
        assert not same(before, weights(subject))
    assert same(before, weights(subject))
    assert all(parameter.requires_grad for parameter in subject.model.parameters())
    assert not subject.model.training


def test_dropout_is_drawn_per_step_and_leaves_the_global_generator_alone() -> None:
    training = Training(lr=1e-2, trainable=LoRA(rank=2, dropout=0.5))
    state = torch.random.get_rng_state()
    first = trained(training)
    assert torch.equal(state, torch.random.get_rng_state())
    torch.rand(5)
    assert same(first, trained(training))
    assert not same(first, trained(Training(lr=1e-2, trainable=LoRA(rank=2))))


def test_rows_come_shuffled_anew_each_epoch_and_all_of_them() -> None:
    subject, material = tiny_subject(), tiny_material(6)
    objective = SFT(rows={"train": 4}, batch=4)
    drawn = [objective.backward(subject, material, t, 1).rows for t in range(3)]
    flat = [row for rows in drawn for row in rows]
    assert sorted(flat[:6]) == sorted(flat[6:]) == sorted(row.id for row in material.train)
    assert flat[:6] != flat[6:]
    other = SFT(rows={"train": 4}, batch=4)
    assert [other.backward(subject, material, t, 2).rows for t in range(3)] != drawn


@pytest.mark.parametrize("lr", [1e30, 1e38])
def test_a_training_that_diverges_fails_at_its_step(lr: float) -> None:
    training = Training(lr=lr, batch=2, optimizer=SGD(), clip=None)
    with pytest.raises(MethodFailure, match="diverged at step") as failure:
        list(train(tiny_subject(), tiny_material(), recipe(training), steps=5, seed=1))
    assert failure.value.dose <= 2


def test_a_loss_that_is_not_finite_is_not_applied() -> None:
    subject = tiny_subject()
    with torch.no_grad():
        subject.model.model.norm.weight[0] = torch.nan
    before = weights(subject)
    with pytest.raises(MethodFailure, match="diverged at step 1"):
        next(train(subject, tiny_material(), recipe(Training()), steps=1, seed=1))
    after = weights(subject)
    assert all(torch.equal(before[name].nan_to_num(), after[name].nan_to_num()) for name in before)


def test_schedules() -> None:
    assert [Constant().factor(t, 4) for t in range(4)] == [1.0] * 4
    assert [Warmup(steps=2).factor(t, 4) for t in range(4)] == [0.5, 1.0, 1.0, 1.0]
    cosine = [Cosine(warmup=1).factor(t, 5) for t in range(6)]
    assert cosine == pytest.approx([1.0, 1.0, 0.853553, 0.5, 0.146447, 0.0], abs=1e-6)
    assert (Constant().prefix_consistent, Warmup(steps=2).prefix_consistent) == (True, True)
    assert not Cosine().prefix_consistent


def test_the_learning_rate_follows_its_schedule() -> None:
    training = Training(lr=0.5, batch=1, schedule=Warmup(steps=2))
    steps = list(train(tiny_subject(), tiny_material(), recipe(training), steps=3, seed=1))
    assert [step.terms["learning_rate"] for step in steps] == [0.25, 0.5, 0.5]


def test_rows_that_are_missing_are_named() -> None:
    row = Row(id="r9", group="g", prompt="p", response="r")
    with pytest.raises(InputError, match=r"material\.benign: there are no rows"):
        SFT(rows={"benign": 1}, batch=1).backward(tiny_subject(), Material(), 0, 1)
    with pytest.raises(InputError, match="row r9: it has no refusal"):
        SFT(rows={"refusal": 1}, batch=1).backward(tiny_subject(), Material(harmful=(row,)), 0, 1)


def test_bfloat16_trains_float32_weights() -> None:
    fine, coarse = tiny_subject(), tiny_subject()
    coarse = Subject(coarse.model, coarse.tokenizer, dtype="bfloat16")
    for subject in (fine, coarse):
        for _ in train(subject, tiny_material(), recipe(Training(lr=1e-6)), steps=2, seed=1):
            pass
    assert {own.dtype for own in coarse.model.parameters()} == {torch.float32}
    assert not same(weights(coarse), weights(tiny_subject())), "steps too small for bfloat16 weights are kept"
    assert 0 < distance(weights(fine), weights(coarse)) < 1e-5
