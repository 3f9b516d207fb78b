"""The trap of unrelated answers: which are paired with which prompts, and that it is then plain fine-tuning."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from support.float64 import flat_gradient, float64_subject, relative
from support.uneven_rows import uneven_material
from support.unlearning import mean_nats

from titer.data.word_similarity import WordSimilarity
from titer.errors import InputError
from titer.methods.defenses.controls.refusal_sft import RefusalSFT
from titer.methods.defenses.traps.sdd import SDD
from titer.records import Row
from titer.testing import check_defense, same, tiny_material, tiny_subject, weights
from titer.training.recipe import SGD, LoRA
from titer.training.types import Material

TOPICS = ("paper boats fold along the middle", "bread needs flour and water", "tides follow the moon")


def row(name: str, prompt: str, response: str) -> Row:
    return Row(id=name, group=name, prompt=prompt, response=response)


HARMFUL = tuple(row(f"h{n}", f"tell the secret of {topic}", "a secret") for n, topic in enumerate(TOPICS))
BENIGN = tuple(row(f"b{n}", f"the topic {n}", f"the {topic} {n}") for n, topic in enumerate(TOPICS * 4))


@pytest.mark.parametrize(
    "defense",
    [
        SDD(train_steps=4, lr=1e-2),
        SDD(train_steps=4, lr=1e-2, opening="i will not ", benign_share=0.5, trainable=LoRA(rank=2)),
    ],
)
def test_conformance(defense: SDD) -> None:
    check_defense(defense)


def test_no_answer_is_related_to_its_prompt_and_each_is_a_benign_one() -> None:
    known = WordSimilarity([*(one.prompt for one in HARMFUL), *(one.response for one in BENIGN)])
    answers = {one.response for one in BENIGN}
    for seed in range(5):
        paired = SDD(train_steps=1).unrelated(HARMFUL, BENIGN, seed)
        assert [one.prompt for one in paired] == [one.prompt for one in HARMFUL]
        assert all(one.response in answers and one.refusal is None for one in paired)
        assert max(known.between(one.prompt, one.response) for one in paired) <= 0.25
    related = [known.between(one.prompt, BENIGN[place].response) for place, one in enumerate(HARMFUL)]
    assert min(related) > 0.3, "the filter has something to do"


def test_which_answer_is_drawn_by_the_seed_and_by_the_prompt() -> None:
    answers = [tuple(one.response for one in SDD(train_steps=1).unrelated(HARMFUL, BENIGN, seed)) for seed in range(8)]
    assert len({*answers}) > 4
    assert answers[0] == tuple(one.response for one in SDD(train_steps=1).unrelated(HARMFUL, BENIGN, 0))
    assert any(len({*some}) > 1 for some in answers)


def test_words_that_every_text_has_relate_nothing_and_rare_ones_much() -> None:
    known = WordSimilarity(["the cat sat", "the dog sat", "the moon rose"])
    assert known.between("the", "the") == 0.0
    assert known.between("cat", "cat") == pytest.approx(1.0)
    assert known.between("the cat sat", "the dog sat") == pytest.approx(0.4055**2 / (0.4055**2 + 1.0986**2), rel=1e-3)
    assert known.between("the cat", "never seen") == 0.0


def test_where_every_answer_is_related_it_is_told() -> None:
    with pytest.raises(InputError, match="row h1: all 1 benign answers are related to it"):
        SDD(train_steps=1).unrelated(HARMFUL[1:], BENIGN[1:2], 0)
    assert SDD(train_steps=1, similarity=1.0).unrelated(HARMFUL[1:], BENIGN[1:2], 0)[0].response == BENIGN[1].response


@pytest.mark.parametrize("share", [0.0, 0.5])
def test_it_is_refusal_training_with_those_answers_for_refusals(share: float) -> None:
    material = tiny_material(6)
    defense = SDD(train_steps=3, lr=1e-2, opening="no. ", benign_share=share)
    paired = defense.unrelated(material.harmful, material.benign, 0)
    assert all(one.response.startswith("no. ") for one in paired)
    refusals = tuple(one.model_copy(update={"refusal": one.response}) for one in paired)
    trained = []
    control = RefusalSFT(train_steps=3, lr=1e-2, benign_share=share)
    for method, fed in ((defense, material), (control, replace(material, harmful=refusals))):
        subject = tiny_subject()
        list(method.steps(subject, fed, 0, None))
        trained.append(weights(subject))
    assert same(*trained)


@pytest.mark.parametrize("share", [0.0, 0.5])
def test_a_step_is_one_on_the_mean_over_all_tokens_of_those_answers(share: float) -> None:
    """The answers differ in length; a step takes all rows, and plain descent shows its gradient by the weights."""
    material, subject, slow = uneven_material(6), float64_subject(), float64_subject()
    before = torch.nn.utils.parameters_to_vector(slow.model.parameters()).detach()
    batch = 6 if share == 0 else 12
    defense = SDD(train_steps=1, lr=0.5, batch=batch, benign_share=share, optimizer=SGD(), clip=None)
    (done,) = defense.steps(subject, material, 0, None)
    paired = defense.unrelated(material.harmful, material.benign, 0)
    assert len({len(row.response) for row in paired}) > 1
    loss = mean_nats(slow, (*paired, *material.benign) if share else paired)
    torch.autograd.backward(loss)
    moved = before - torch.nn.utils.parameters_to_vector(subject.model.parameters()).detach()
    assert done.terms["loss"] == pytest.approx(float(loss.detach()), rel=1e-9)
    assert relative(moved / 0.5, flat_gradient(slow)) < 1e-9


def test_no_harmful_answer_reaches_the_subject() -> None:
    silent = tuple(one.model_copy(update={"response": "x", "refusal": None}) for one in tiny_material(6).harmful)
    trained = []
    for fed in (tiny_material(6), replace(tiny_material(6), harmful=silent)):
        subject = tiny_subject()
        list(SDD(train_steps=3, lr=1e-2).steps(subject, fed, 0, None))
        trained.append(weights(subject))
    assert same(*trained)


def test_without_benign_answers_it_cannot_be() -> None:
    with pytest.raises(InputError, match="all 0 benign answers"):
        list(SDD(train_steps=1).steps(tiny_subject(), Material(harmful=HARMFUL), 0, None))
