"""Whatever takes long gives a sign of life, which nobody has to listen to."""

from __future__ import annotations

import time

import pytest

from titer.heartbeat import beat, listening
from titer.models.generation import generate, log_likelihoods
from titer.testing import tiny_subject


def test_beats_are_heard_in_the_block_only_and_no_oftener_than_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    heard: list[float] = []
    with listening(lambda: heard.append(clock[0]), every=2.0):
        for clock[0] in (1.0, 1.9, 2.0, 3.0, 4.5, 6.0, 7.0):
            beat()
    beat()
    assert heard == [2.0, 4.5, 7.0]


@pytest.mark.model
def test_asking_beats_at_each_token_and_each_batch() -> None:
    subject, heard = tiny_subject(), list[str]()
    prompts = [subject.tokenizer.encode("one two"), subject.tokenizer.encode("three")]
    expected = generate(subject, prompts, 3, 2)
    with listening(lambda: heard.append("token"), every=0.0):
        assert generate(subject, prompts, 3, 2) == expected
    assert len(heard) == max(len(answer.tokens) for answer in expected)
    with listening(lambda: heard.append("batch"), every=0.0):
        log_likelihoods(subject, [(prompt, prompt) for prompt in prompts], 1)
    assert heard.count("batch") == 2
