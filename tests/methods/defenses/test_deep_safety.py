"""Late refusals: the rows by hand, the step written out with plain autograd, and what it is where none comes late."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from support.float64 import flat_gradient, float64_subject, relative
from support.uneven_rows import uneven_material
from torch import Tensor

from titer.errors import InputError
from titer.methods.defenses.controls.refusal_sft import RefusalSFT
from titer.methods.defenses.data_and_weights.deep_safety import DeepSafety
from titer.methods.requires import Need
from titer.models.chat_format import Example, encode_example
from titer.models.subject import Subject
from titer.seeds import derive
from titer.testing import check_defense, same, tiny_subject, weights
from titer.training.begun_answers import begun_by, room
from titer.training.objectives.deep_safety import LateRefusals
from titer.training.recipe import LoRA
from titer.training.types import Material, Update

MATERIAL = uneven_material(6)
LONG = replace(MATERIAL, benign=tuple(row.model_copy(update={"response": "7 " * 30}) for row in MATERIAL.benign))


def objective(**changes: Any) -> LateRefusals:
    own: dict[str, Any] = {"refusals": 4, "benign": 6, "batch": 3, "begun_share": 0.5, "longest": 100}
    return LateRefusals(**{**own, "longest_share": 1.0, "weigh": "tokens", **changes})


def step(subject: Subject, *, t: int = 0, material: Material = MATERIAL, **changes: Any) -> Update:
    own = objective(**changes)
    own.prepare(subject, material)
    return own.backward(subject, material, t, 5)


def encoded(subject: Subject, row: int) -> tuple[Example, Example]:
    """The harmful answer of a row, and its refusal."""
    own = MATERIAL.harmful[row]
    texts = (own.response, str(own.refusal))
    one, other = (encode_example(subject.tokenizer, own.prompt, text, MATERIAL.frame) for text in texts)
    return one, other


@pytest.mark.parametrize(
    "defense",
    [
        DeepSafety(train_steps=4, lr=1e-2),
        DeepSafety(train_steps=4, lr=1e-2, benign_share=0.0, longest_share=0.5, batch=2, accumulation=2),
        DeepSafety(train_steps=4, lr=1e-2, weigh="rows", trainable=LoRA(rank=2, dropout=0.1)),
    ],
)
def test_conformance(defense: DeepSafety) -> None:
    check_defense(defense)


@pytest.mark.parametrize("changes", [{}, {"trainable": LoRA(rank=2)}, {"weigh": "rows"}])
def test_where_no_refusal_comes_late_it_is_refusal_training(changes: dict[str, Any]) -> None:
    trained = []
    for defense in (
        DeepSafety(train_steps=3, lr=1e-2, benign_share=0.5, begun_share=0.0, **changes),
        RefusalSFT(train_steps=3, lr=1e-2, benign_share=0.5, **changes),
    ):
        subject = tiny_subject()
        list(defense.steps(subject, MATERIAL, 0, None))
        trained.append(weights(subject))
    assert same(*trained)


def test_a_late_refusal_is_prompt_beginning_and_refusal_and_counts_the_refusal_alone() -> None:
    subject = tiny_subject()
    harmful, refusal = encoded(subject, 1)
    late = begun_by(harmful, 3, refusal)
    assert list(late.ids) == [*refusal.prompt, *harmful.response[:3], *refusal.response]
    assert late.response == refusal.response
    assert begun_by(harmful, 0, refusal) == refusal
    assert room(harmful, refusal, len(refusal.ids) + 2) == 2
    assert room(harmful, refusal, 1000) == len(harmful.response)
    assert room(harmful, refusal, len(refusal.ids) - 1) == 0


def cuts(count: int, **changes: Any) -> tuple[Tensor, list[int]]:
    """The cuts of many steps, and the longest that each row allows."""
    own, subject = objective(**changes), tiny_subject()
    own.prepare(subject, MATERIAL)
    refusals, harmful = own._learned.draw("refusal", 6, 0, 0), own._harmful.draw("harmful", 6, 0, 0)
    found = torch.tensor([own._cuts(subject, list(harmful), list(refusals), seed) for seed in range(count)])
    return found, [len(one.example.response) for one in harmful]


def test_half_of_the_refusals_come_at_once_and_the_others_behind_any_beginning() -> None:
    found, lengths = cuts(500)
    assert float((found == 0).float().mean()) == pytest.approx(0.5, abs=0.03)
    for row, length in enumerate(lengths):
        assert set(found[:, row].tolist()) == set(range(length + 1))
    assert set(cuts(100, longest=2)[0].unique().tolist()) == {0, 1, 2}
    halves, lengths = cuts(200, begun_share=1.0, longest_share=0.5)
    assert halves.max(0).values.tolist() == [length // 2 for length in lengths]
    assert halves.min() == 1


def test_the_end_of_the_harmful_answer_stands_before_no_refusal() -> None:
    own, subject = objective(), tiny_subject()
    own.prepare(subject, MATERIAL)
    end = subject.tokenizer.eos_token_id
    assert all(end not in one.example.response for one in own._harmful.all("harmful"))
    assert all(one.example.response[-1] == end for one in own._learned.all("refusal"))


def test_beginnings_leave_room_for_the_refusal_in_the_context() -> None:
    subject, long = tiny_subject(), [row.model_copy(update={"response": "it " * 37}) for row in MATERIAL.harmful]
    own = objective(longest=1000)
    own.prepare(subject, replace(MATERIAL, harmful=tuple(long)))
    (harmful,), (refusal,) = own._harmful.draw("harmful", 1, 0, 0), own._learned.draw("refusal", 1, 0, 0)
    most = own._most(harmful.example, refusal.example, subject.context_length)
    assert most == subject.context_length - len(refusal.example.ids) < len(harmful.example.response)
    step(subject, material=replace(MATERIAL, harmful=tuple(long)), begun_share=1.0, longest=1000)


def written_out(subject: Subject, drawn: list[Example], total: float) -> Tensor:
    """The summed loss of each row by itself over the tokens of all, without batches, padding or masks."""
    loss = torch.zeros((), dtype=torch.float64)
    for example in drawn:
        logits = subject.model(input_ids=torch.tensor([example.ids])).logits[0].log_softmax(-1)
        for place in range(len(example.prompt), len(example.ids)):
            loss = loss - logits[place - 1, example.ids[place]] / total
    return loss


def examples_of(subject: Subject, update: Update, changes: dict[str, Any]) -> tuple[list[Example], list[Example]]:
    """The rows of a step with its cuts, made by hand: late refusals and benign rows."""
    own = objective(**changes)
    own.prepare(subject, MATERIAL)
    refusals, harmful = own._learned.draw("refusal", 4, 2, 5), own._harmful.draw("harmful", 4, 2, 5)
    found = own._cuts(subject, list(harmful), list(refusals), derive(5, "cuts", 2))
    assert update.terms["harmful_tokens_before"] == sum(found) / 4
    late = []
    for row, cut in zip(update.rows[:4], found, strict=True):
        other, refusal = encoded(subject, int(row[1:]))
        ids = (*refusal.prompt, *other.response[:cut], *refusal.response)
        masked = len(refusal.prompt) + cut
        late.append(Example(ids, tuple(place >= masked for place in range(len(ids)))))
    by_id = {row.id: row for row in MATERIAL.benign}
    benign = [by_id[row] for row in update.rows[4:]]
    return late, [encode_example(subject.tokenizer, row.prompt, row.response, MATERIAL.frame) for row in benign]


@pytest.mark.parametrize("weigh", ["tokens", "rows"])
def test_a_step_is_that_written_out(weigh: str) -> None:
    subject = float64_subject()
    changes: dict[str, Any] = {"weigh": weigh, "begun_share": 0.7}
    update = step(subject, t=2, **changes)
    gradient = flat_gradient(subject)
    late, benign = examples_of(subject, update, changes)
    sizes = [sum(len(one.response) for one in part) for part in (late, benign)]
    shares = [sum(sizes), sum(sizes)] if weigh == "tokens" else [sizes[0] * 10 / 4, sizes[1] * 10 / 6]
    subject.model.zero_grad()
    loss = written_out(subject, late, shares[0]) + written_out(subject, benign, shares[1])
    torch.autograd.backward(loss)
    assert update.terms["loss"] == pytest.approx(float(loss.detach()), rel=1e-9)
    assert relative(gradient, flat_gradient(subject)) < 1e-9
    assert update.terms["loss"] > 0
    assert update.tokens["response"] == sum(sizes)


@pytest.mark.parametrize("weigh", ["tokens", "rows"])
def test_longer_benign_answers_take_weight_from_refusals_where_tokens_count_alike(weigh: str) -> None:
    shares = []
    for material in (MATERIAL, LONG):
        subject = float64_subject()
        update = step(subject, material=material, weigh=weigh, begun_share=0.0)
        gradient = flat_gradient(subject)
        texts = {row.id: (row.prompt, str(row.refusal)) for row in material.harmful}
        texts |= {row.id: (row.prompt, row.response) for row in material.benign}
        examples = [encode_example(subject.tokenizer, *texts[name], material.frame) for name in update.rows]
        slopes, sizes = [], []
        for part in (examples[:4], examples[4:]):
            sizes.append(sum(len(one.response) for one in part))
            subject.model.zero_grad()
            torch.autograd.backward(written_out(subject, part, sizes[-1]))
            slopes.append(flat_gradient(subject))
        shares.append(sizes[0] / sum(sizes) if weigh == "tokens" else 4 / 10)
        assert relative(gradient, shares[-1] * slopes[0] + (1 - shares[-1]) * slopes[1]) < 1e-9
    assert (shares[1] < 0.5 * shares[0]) == (weigh == "tokens")


def test_one_row_of_a_step_at_least_is_a_refusal() -> None:
    subject = tiny_subject()
    (only,) = DeepSafety(train_steps=1, batch=2).steps(subject, MATERIAL, 0, None)
    assert sorted(row[0] for row in only.rows) == ["b", "h"]


def test_what_it_needs_is_said_and_missed() -> None:
    assert DeepSafety(train_steps=1).requires.rows == {Need.PAIRS: 1, Need.BENIGN: 1}
    assert DeepSafety(train_steps=1, benign_share=0.0).requires.rows == {Need.PAIRS: 1}
    bare = replace(MATERIAL, harmful=tuple(row.model_copy(update={"refusal": None}) for row in MATERIAL.harmful))
    with pytest.raises(InputError, match="it has no refusal"):
        list(DeepSafety(train_steps=1).steps(tiny_subject(), bare, 0, None))
