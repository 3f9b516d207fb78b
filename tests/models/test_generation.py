"""Batched decoding and likelihoods against their one-at-a-time oracles."""

from __future__ import annotations

import pytest
import torch

from titer.models.chat_format import encode_example
from titer.models.generation import generate, log_likelihoods
from titer.models.subject import Subject
from titer.records import Frame
from titer.testing import tiny_subject, weights


def prompts(subject: Subject) -> list[list[int]]:
    return [list(subject.tokenizer(text).input_ids) for text in ("a", "what is it", "who", "zz top", "b" * 30)]


def greedy_by_hand(subject: Subject, ids: list[int], length: int) -> list[int]:
    """Without cache, padding or batch."""
    new: list[int] = []
    for _ in range(length):
        with torch.no_grad():
            logits = subject.model(input_ids=torch.tensor([ids + new])).logits[0, -1]
        new.append(int(logits.argmax()))
        if new[-1] == subject.tokenizer.eos_token_id:
            break
    return new


@pytest.mark.parametrize("batch", [1, 2, 5])
def test_generation_equals_the_hand_made_loop(batch: int) -> None:
    subject = tiny_subject()
    for one, ids in zip(generate(subject, prompts(subject), 6, batch), prompts(subject), strict=True):
        new = greedy_by_hand(subject, ids, 6)
        stopped = new[-1] == subject.tokenizer.eos_token_id
        assert one.text == subject.tokenizer.decode(new, skip_special_tokens=True)
        assert one.ended == ("stop" if stopped else "length")


def test_an_answer_that_stops_says_so() -> None:
    subject = tiny_subject()
    first = greedy_by_hand(subject, prompts(subject)[0], 1)[0]
    subject.model.generation_config.eos_token_id = first
    assert generate(subject, prompts(subject)[:1], 6, 1)[0].ended == "stop"
    assert generate(subject, prompts(subject)[:1], 6, 1)[0].text == ""


def test_the_model_s_own_settings_do_not_enter() -> None:
    subject, other = tiny_subject(), tiny_subject()
    own = other.model.generation_config
    own.do_sample, own.temperature, own.repetition_penalty, own.max_length = True, 0.1, 9.0, 3
    assert generate(other, prompts(other), 6, 2) == generate(subject, prompts(subject), 6, 2)
    assert other.model.generation_config is own


def test_no_prompts_give_no_answers() -> None:
    assert generate(tiny_subject(), [], 6, 2) == []


def test_likelihoods_equal_one_at_a_time() -> None:
    subject = tiny_subject()
    examples = [encode_example(subject.tokenizer, "q" * i, "r" * (7 - i), Frame()) for i in range(1, 7)]
    pairs = [(example.prompt, example.response) for example in examples]
    for (nats, tokens), example in zip(log_likelihoods(subject, pairs, 4), examples, strict=True):
        ids = torch.tensor([example.ids])
        with torch.no_grad():
            table = subject.model(input_ids=ids).logits[0].double().log_softmax(-1)
        places = [place for place, inside in enumerate(example.mask) if inside]
        assert tokens == len(places)
        assert nats == pytest.approx(sum(float(table[place - 1, example.ids[place]]) for place in places), abs=1e-4)


def test_asking_leaves_mode_and_weights() -> None:
    subject = tiny_subject()
    before = weights(subject)
    subject.model.train()
    generate(subject, prompts(subject), 3, 2)
    assert subject.model.training
    assert all(parameter.requires_grad for parameter in subject.model.parameters())
    assert all(torch.equal(before[name], tensor) for name, tensor in weights(subject).items())
