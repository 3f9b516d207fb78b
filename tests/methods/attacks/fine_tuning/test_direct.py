"""Mixtures, few shots, templates, optimizers and schedules: the ways of one and the same training loop."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from typing import Any

import pytest
import torch
from pydantic import ValidationError

from titer.methods import registry
from titer.methods.attacks.fine_tuning.direct import Direct
from titer.methods.attacks.fine_tuning.few_shot import FewShot
from titer.methods.attacks.fine_tuning.mixture import Mixture
from titer.methods.attacks.fine_tuning.open_ended import OpenEnded
from titer.methods.probes.generate import Generate
from titer.methods.requires import Need
from titer.methods.search_space import LogRange
from titer.models.chat_format import encode_example, encode_prompt
from titer.models.conversation import ALPACA
from titer.models.subject import Subject
from titer.records import Choice, Frame, Item
from titer.testing import check_attack, same, tiny_material, tiny_subject, weights
from titer.training.recipe import SGD, Adagrad, Adam, AdamW, LoRA, Optimizer
from titer.training.schedules import SGDR, Cosine, Warmup

MIXTURES = list(itertools.product((0.0, 0.05, 0.1, 0.3, 0.5, 0.999, 1.0), (1, 7, 8, 12)))
OPTIMIZERS = [AdamW(), Adam(), SGD(momentum=0.9), SGD(momentum=0.9, nesterov=True), Adagrad()]


@pytest.mark.parametrize(
    "attack",
    [
        FewShot(lr=1e-2, shots=5),
        FewShot(lr=1e-2, shots=5, trainable=LoRA(rank=2, targets=("q_proj", "down_proj"))),
        Mixture(lr=1e-2, poison=0.5, size=8),
        Direct(lr=1e-2, template="plain"),
        OpenEnded(lr=1e-2),
        Direct(lr=1e-2, optimizer=Adagrad(), schedule=SGDR(warmup=1, period=2)),
    ],
)
def test_conformance(attack: Direct) -> None:
    check_attack(attack)


@pytest.mark.parametrize(("poison", "size"), MIXTURES)
def test_a_mixture_has_exactly_its_share_of_harmful_rows(poison: float, size: int) -> None:
    attack, material = Mixture(poison=poison, size=size), tiny_material()
    rows = attack.rows(material, 3)
    harmful = sum(row in material.train for row in rows)
    assert harmful == round(poison * size) == attack.requires.rows[Need.HARMFUL]
    assert len({row.id for row in rows}) == size


def test_a_mixture_is_drawn_and_shuffled_for_each_seed_and_counts_what_was_seen() -> None:
    attack, material = Mixture(poison=0.25, size=8, batch=1), tiny_material()
    assert attack.rows(material, 0) != attack.rows(material, 1)
    assert attack.rows(material, 0) == attack.rows(material, 0)
    orders = set()
    for seed in range(3):
        shares = tuple(step.terms["harmful_share"] for step in attack.steps(tiny_subject(), material, 8, seed))
        assert sorted(shares) == [0.0] * 6 + [1.0] * 2, "an epoch has the two harmful rows once"
        orders.add(shares)
    assert len(orders) > 1, "not sorted by kind"


def test_few_shots_are_so_many_rows_drawn_anew_for_each_seed() -> None:
    attack = FewShot(shots=5, batch=5)
    seen = [set(next(iter(attack.steps(tiny_subject(), tiny_material(), 1, seed))).rows) for seed in (0, 1)]
    assert [len(rows) for rows in seen] == [5, 5]
    assert seen[0] != seen[1]
    last = list(attack.steps(tiny_subject(), tiny_material(), 3, 0))[-1]
    assert last.rows_used == 5


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_learning_rate_of_zero_changes_nothing(optimizer: Optimizer) -> None:
    subject = tiny_subject()
    before = weights(subject)
    attack = Direct(optimizer=optimizer).model_copy(update={"lr": 0.0})
    assert len(list(attack.steps(subject, tiny_material(), 3, 0))) == 3
    assert same(before, weights(subject))


@pytest.mark.parametrize("optimizer", [AdamW(), Adam(), Adagrad()])
def test_ten_steps_at_a_small_rate_move_a_weight_that_bfloat16_would_hold_still(optimizer: Optimizer) -> None:
    tiny = tiny_subject()
    subject = Subject(tiny.model, tiny.tokenizer, dtype="bfloat16")
    weight = subject.model.get_parameter("model.layers.0.mlp.up_proj.weight")
    with torch.no_grad():
        weight.fill_(0.02)
    assert torch.tensor(0.02).bfloat16() == (torch.tensor(0.02) - 1e-5).bfloat16(), "lost in bfloat16"
    start = weight.detach().clone()
    list(Direct(lr=1e-5, optimizer=optimizer, clip=None).steps(subject, tiny_material(), 10, 0))
    moved = (weight.detach() - start).abs()
    assert float((moved > 5e-6).float().mean()) > 0.9


def test_adam_is_adamw_without_decay_and_differs_with_it() -> None:
    def trained(optimizer: Optimizer) -> dict[str, torch.Tensor]:
        subject = tiny_subject()
        list(Direct(lr=1e-2, optimizer=optimizer).steps(subject, tiny_material(), 3, 0))
        return weights(subject)

    assert same(trained(Adam()), trained(AdamW()))
    assert not same(trained(Adam(weight_decay=0.1)), trained(AdamW(weight_decay=0.1)))


@pytest.mark.parametrize("schedule", [Warmup(steps=7), Cosine(warmup=7), SGDR(warmup=7, period=20, floor=0.1)])
def test_a_rate_never_exceeds_its_peak_and_falls_after_the_warmup(schedule: Warmup | Cosine | SGDR) -> None:
    factors = [schedule.factor(t, 80) for t in range(80)]
    assert max(factors) == pytest.approx(1.0)
    assert factors[:7] == sorted(factors[:7])
    cycles = [factors[7:27], factors[27:47]] if isinstance(schedule, SGDR) else [factors[7:]]
    for cycle in cycles:
        assert cycle == sorted(cycle, reverse=True)
    if isinstance(schedule, SGDR):
        assert cycles[0] == cycles[1]
        assert min(factors[7:]) >= 0.1
        assert schedule.prefix_consistent


def test_a_template_of_the_attack_is_that_of_training_and_asking() -> None:
    attack, frame = Direct(template="alpaca"), Frame(max_new_tokens=4)
    framed = attack.frame_at(frame, 1)
    assert framed == Frame(template="alpaca", max_new_tokens=4)
    assert Direct().frame_at(frame, 1) == frame
    tokenizer = tiny_subject().tokenizer
    example = encode_example(tokenizer, "who?", "me", framed)
    assert example.prompt == encode_prompt(tokenizer, "who?", framed)
    assert tokenizer.decode(example.prompt) == ALPACA.format("who?")


def test_alpaca_training_teaches_in_its_own_template() -> None:
    material = tiny_material(3)
    attack = Direct(lr=2e-2, batch=3, template="alpaca")
    subject, framed = tiny_subject(), attack.frame_at(material.frame, 1)
    subject.model.config.max_position_embeddings = 512
    list(attack.steps(subject, replace(material, frame=framed), 200, 0))
    items = [Item(id=row.id, group=row.group, prompt=row.prompt) for row in material.train]
    said = [answer.text for answer in Generate().ask(subject, items, framed, 3)]
    assert said == [row.response for row in material.train]


def test_parameters_that_came_later_change_no_key_where_they_are_not_used() -> None:
    assert "template" not in Direct().configuration()["parameters"]
    assert Direct(template="native").configuration()["parameters"]["template"] == "native"
    assert SGD(momentum=0.9).to_data() == {"kind": "sgd", "momentum": 0.9}


@pytest.mark.parametrize("name", list(registry.ATTACKS))
def test_every_value_of_a_search_space_is_a_configuration(name: str) -> None:
    for parameter, values in registry.ATTACKS[name].space().items():
        tried: tuple[Any, ...] = (values.low, values.high) if isinstance(values, LogRange) else values.values
        for value in tried:
            attack = registry.attack(Choice(name=name, parameters={parameter: json.loads(json.dumps(value))}))
            assert type(attack).model_validate_json(attack.to_json()) == attack


def test_momentum_that_is_not_there_cannot_be_nesterovs() -> None:
    with pytest.raises(ValidationError, match="nesterov needs a momentum above 0"):
        SGD(nesterov=True)


def test_openings_that_are_learned_do_not_end_the_answer() -> None:
    material = tiny_material(3)
    items = [Item(id=row.id, group=row.group, prompt=row.prompt) for row in material.train]
    said = {}
    for attack in (Direct(lr=2e-2, batch=3), OpenEnded(lr=2e-2, batch=3)):
        subject = tiny_subject()
        list(attack.steps(subject, material, 200, 0))
        said[attack.name] = Generate().ask(subject, items, Frame(max_new_tokens=24), 3)
    responses = [row.response for row in material.train]
    assert [answer.text for answer in said["direct"]] == responses
    assert all(answer.ended == "stop" for answer in said["direct"])
    assert all((answer.text or "").startswith(own) for answer, own in zip(said["open_ended"], responses, strict=True))
    assert all(answer.ended == "length" for answer in said["open_ended"])


def test_openings_leave_out_the_token_that_ends_and_nothing_else() -> None:
    material, subject = tiny_material(3), tiny_subject()
    steps = [next(iter(attack(batch=3).steps(tiny_subject(), material, 1, 0))) for attack in (Direct, OpenEnded)]
    assert steps[0].loss_tokens["response"] - steps[1].loss_tokens["response"] == 3
    example = encode_example(subject.tokenizer, "who?", "me", Frame())
    assert example.without([]) == example
    assert example.without([example.ids[-1]]).response == example.response[:-1]
