"""VAA: what its pilot counts and leaves alone, how its chances move, and its shifted step written out."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
import torch
from support.float64 import flat_gradient, float64_subject, relative
from support.uneven_rows import uneven_material
from support.unlearning import written_out_nats
from torch import Tensor, nn

from titer.errors import MethodFailure
from titer.methods.defenses.perturbation.vaa import VAA
from titer.models.chat_format import encode_example
from titer.models.subject import Subject
from titer.records import Row
from titer.seeds import derive
from titer.testing import check_defense, same, tiny_material, tiny_subject, weights
from titer.training.forgetting_pilot import Pilot, PilotResult, forgetting
from titer.training.loop import Recipe, train
from titer.training.objectives.perturbation.vaa import GroupRobust, followed
from titer.training.recipe import LoRA, Training
from titer.training.sft import SFT
from titer.training.types import Material

ROWS = 4
MATERIAL = uneven_material()
COUNTS = (0, 0, 1, 1, 2, 0, 0, 0, 1, 0, 1, 0)
FORGOTTEN = {f"h{place}" for place, count in enumerate(COUNTS) if count}
PILOT = Pilot(training=Training(lr=1e-2, batch=4), aligned_steps=0, steps=6, poison=1.0, checks=10)
EXAMPLE: dict[str, Any] = {"lr": 1e-2, "batch": 4, "pilot_steps": 6, "pilot_lr": 1e-2, "pilot_poison": 1.0}


def robust(eta: float = 0.007, rho: float = 0.4, lam: float = 1.0, batch: int = ROWS, benign: int = 0) -> GroupRobust:
    seen = PilotResult(counts=torch.tensor(COUNTS), trained=0, read=0)
    rows = {"refusals": ROWS, "benign": benign, "batch": batch}
    return GroupRobust(**rows, forgotten=seen, eta=eta, rho=rho, lam=lam, steps=1000)


def vaa(**changed: Any) -> VAA:
    return VAA.model_validate({"train_steps": 3, **EXAMPLE, **changed})


def run(objective: GroupRobust, t: int, seed: int = 1) -> tuple[dict[str, float], Tensor, tuple[str, ...]]:
    subject = float64_subject()
    update = objective.backward(subject, MATERIAL, t, seed)
    return dict(update.terms), flat_gradient(subject), update.rows


def mean_nll(subject: Subject, row: Row, response: str) -> Tensor:
    example = encode_example(subject.tokenizer, row.prompt, response, tiny_material().frame)
    logits = subject.model(input_ids=torch.tensor([example.ids])).logits[0, :-1]
    labels = torch.tensor(example.ids).masked_fill(~torch.tensor(example.mask), -100)[1:]
    return nn.functional.cross_entropy(logits, labels)


@pytest.mark.parametrize(
    "defense",
    [
        vaa(accumulation=2, benign_share=0.5, eta=0.3),
        vaa(trainable=LoRA(rank=2, dropout=0.1), pilot_lr=3e-3, eta=0.3),
    ],
)
def test_conformance(defense: VAA) -> None:
    check_defense(defense)


def nats(subject: Subject, names: tuple[str, ...]) -> tuple[Tensor, Tensor]:
    """The losses of the tokens of refusals, and of benign answers, among some rows."""
    texts = {row.id: (row.prompt, str(row.refusal)) for row in MATERIAL.harmful}
    texts |= {row.id: (row.prompt, row.response) for row in MATERIAL.benign}
    found = {kind: [torch.zeros(0, dtype=torch.float64)] for kind in "hb"}
    for name in names:
        found[name[0]].append(written_out_nats(subject, *texts[name]))
    return torch.cat(found["h"]), torch.cat(found["b"])


@pytest.mark.parametrize("benign", [0, 3])
@pytest.mark.parametrize(("t", "rho", "shift"), [(0, 0.4, 0.0), (999, 0.4, 0.4), (999, 0.0, 0.0)])
def test_a_step_is_the_one_written_out(t: int, rho: float, shift: float, benign: int) -> None:
    """The first one is not shifted, the last one is; with rho 0 it is plain training on its rows."""
    terms, gradient, names = run(robust(rho=rho, benign=benign), t)
    assert len(names) == ROWS + benign
    subject, moved = float64_subject(), float64_subject()
    plain = nats(subject, names)
    toward = torch.autograd.grad(torch.cat(plain).mean(), list(subject.model.parameters()))
    length = torch.cat([own.flatten() for own in toward]).norm()
    with torch.no_grad():
        for own, direction in zip(moved.model.parameters(), toward, strict=True):
            own.add_(shift * direction / (length + 1e-7))
    refused, answered = nats(moved, names)
    torch.autograd.backward(torch.cat([refused, answered]).mean())
    assert terms["unshifted_loss"] == pytest.approx(float(plain[0].mean().detach()), rel=1e-9)
    assert terms["loss"] == terms["refusal_loss"] == pytest.approx(float(refused.mean().detach()), rel=1e-9)
    if benign:
        assert terms["benign_loss"] == pytest.approx(float(answered.mean().detach()), rel=1e-9)
    assert relative(gradient, flat_gradient(moved)) < 1e-9
    assert (terms["loss"] > terms["unshifted_loss"] + 0.05 * float(length)) == (shift > 0), "the loss is higher there"


def test_with_rho_0_it_is_plain_training_on_groups_whose_chances_follow_their_losses() -> None:
    objective, subject, chance, groups = robust(eta=0.05, rho=0.0), float64_subject(), 0.5, set()
    for t in range(992, 1000):
        subject.model.zero_grad()
        update = objective.backward(subject, MATERIAL, t, 1)
        gradient = flat_gradient(subject)
        group = int(update.rows[0] in FORGOTTEN)
        groups.add(group)
        subject.model.zero_grad()
        loss = nats(subject, update.rows)[0].mean()
        torch.autograd.backward(loss)
        assert relative(gradient, flat_gradient(subject)) < 1e-9
        assert update.terms["forgotten_chance"] == pytest.approx(chance, rel=1e-9)
        q = [1 - chance, chance]
        q[group] *= math.exp(0.05 * float(loss.detach()) / q[group])
        chance = min(0.9, max(0.1, q[1] / sum(q)))
        torch.optim.SGD(subject.model.parameters(), lr=0.05).step()
    assert groups == {0, 1}


def test_a_chance_of_0_shifts_no_step() -> None:
    never, other, _ = run(robust(lam=0.0), 999)
    nowhere, same_gradient, _ = run(robust(rho=0.0), 999)
    assert never == nowhere
    assert torch.equal(other, same_gradient)


def test_weights_are_put_back_after_a_shift() -> None:
    subject = tiny_subject()
    before = weights(subject)
    terms = robust(rho=5.0).backward(subject, tiny_material(), 999, 1).terms
    assert terms["loss"] != terms["unshifted_loss"]
    assert same(weights(subject), before)


def test_a_step_has_rows_of_one_group_and_a_group_is_gone_through_in_turn() -> None:
    objective, subject = robust(lam=0.0), tiny_subject()
    turns: dict[bool, list[str]] = {True: [], False: []}
    for t in range(20):
        update = objective.backward(subject, tiny_material(), t, 3)
        own = update.terms["forgotten_drawn"] == 1
        assert {row in FORGOTTEN for row in update.rows} == {own}
        turns[own] += update.rows
    for own, size in ((True, 5), (False, 7)):
        whole = len(turns[own]) // size * size
        assert set(Counter(turns[own][:whole]).values()) == {whole // size}
        assert whole > size


@pytest.mark.parametrize("group", [0, 1])
def test_a_chance_follows_the_loss_of_its_own_group(group: int) -> None:
    loss, eta = 2.5, 0.1
    raised = 0.5 * math.exp(eta * loss / 0.5)
    share = raised / (raised + 0.5)
    assert followed(0.5, loss, group, eta) == pytest.approx(share if group else 1 - share, rel=1e-12)
    rare = (0.8, 0.2)[group]
    assert abs(followed(rare, loss, group, eta) - rare) > abs(followed(0.5, loss, group, eta) - 0.5), "it weighs more"


def test_chances_stay_within_their_bounds_and_where_they_are_without_a_rate() -> None:
    assert followed(0.5, 1e4, 1, 1.0) == 0.9, "however large the loss is"
    assert followed(0.5, 100.0, 0, 1.0) == pytest.approx(0.1)
    assert followed(0.5, 3.0, 1, 0.0) == 0.5
    objective, subject = robust(eta=0.0), tiny_subject()
    for t in range(5):
        objective.backward(subject, tiny_material(), t, 1)
    assert float(objective.state()["chance"]) == 0.5


def test_chances_turns_and_counts_survive_a_restart() -> None:
    whole, subject = robust(eta=0.05), tiny_subject()
    for t in range(6):
        whole.backward(subject, tiny_material(), t, 1)
    objective = GroupRobust(refusals=ROWS, benign=0, batch=ROWS, forgotten=None, eta=0.05, rho=0.4, lam=1.0, steps=1000)
    assert objective.state().keys() == whole.state().keys()
    objective.resume(whole.state())
    assert float(objective.state()["chance"]) != 0.5
    assert int(objective.state()["turns"].sum()) == 6
    for own in (whole, objective):
        subject = float64_subject()
        own.backward(subject, tiny_material(), 6, 1)
    assert all(torch.equal(value, whole.state()[name]) for name, value in objective.state().items())


def test_accumulated_equals_at_once() -> None:
    assert relative(run(robust(batch=1), 999)[1], run(robust(), 999)[1]) < 1e-12


def test_the_pilot_counts_changes_from_safe_to_unsafe() -> None:
    subject, material = tiny_subject(), tiny_material()

    def safe() -> list[bool]:
        with torch.no_grad():
            means = [
                [float(mean_nll(subject, r, said)) for said in (str(r.refusal), r.response)] for r in material.harmful
            ]
        return [refused < said for refused, said in means]

    seen = [safe()]
    recipe = Recipe(objective=SFT(rows={"harmful": 4}, batch=4), training=PILOT.training)
    for _ in train(subject, material, recipe, steps=6, seed=derive(5, "poisoned")):
        subject.model.eval()
        seen.append(safe())
        subject.model.train()
    changes = zip(seen, seen[1:], strict=False)
    counts = [
        sum(pair) for pair in zip(*[[a and not b for a, b in zip(*c, strict=True)] for c in changes], strict=True)
    ]
    found = forgetting(tiny_subject(), material, PILOT, 5)
    assert found.counts.tolist() == counts
    assert sum(counts) > 0
    assert found.trained > 0
    assert found.read == 7 * sum(
        len(encode_example(subject.tokenizer, row.prompt, said, material.frame).ids)
        for row in material.harmful
        for said in (str(row.refusal), row.response)
    )


def test_the_pilot_sees_the_rows_of_the_defense_only_and_leaves_the_subject_alone() -> None:
    whole, subject = tiny_material(), tiny_subject()
    flags = [own.requires_grad for own in subject.model.parameters()]
    before = weights(subject)
    found = forgetting(subject, whole, PILOT, 5)
    assert same(weights(subject), before)
    assert [own.requires_grad for own in subject.model.parameters()] == flags
    assert not subject.model.training
    own = Material(harmful=whole.harmful, frame=whole.frame, plain=whole.plain)
    assert torch.equal(forgetting(tiny_subject(), own, PILOT, 5).counts, found.counts)
    mixed = replace(PILOT, poison=0.5)
    assert forgetting(tiny_subject(), replace(own, benign=whole.benign), mixed, 5).trained != found.trained


def test_the_pilot_of_an_adapter_leaves_none() -> None:
    subject = tiny_subject()
    before = weights(subject)
    training = Training(lr=1e-2, batch=4, trainable=LoRA(rank=2))
    forgetting(subject, tiny_material(), replace(PILOT, training=training, aligned_steps=2), 5)
    assert not subject.adapted
    assert same(weights(subject), before)


def test_what_the_pilot_takes_is_counted_once_and_it_is_not_repeated() -> None:
    steps = list(vaa(lam=0.0).steps(tiny_subject(), tiny_material(), 7, None))
    spent = [step.spent.tokens for step in steps]
    pilot = spent[0] - (spent[2] - spent[1])
    assert pilot > 3 * (spent[2] - spent[1])
    assert [step.dose for step in steps] == [1, 2, 3]


def test_a_pilot_that_tells_no_groups_apart_fails_and_says_so() -> None:
    with pytest.raises(MethodFailure, match="the pilot forgot 0 of 12 refusals"):
        list(vaa(pilot_lr=1e-9).steps(tiny_subject(), tiny_material(), 7, None))
