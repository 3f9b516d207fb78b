"""What the defenses that work on hidden states do to them in a short training."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from support.architectures import gpt2, llama

from titer.methods.registry import defense
from titer.models.subject import Subject
from titer.records import Choice
from titer.testing import same, tiny_material, tiny_subject, weights


@pytest.mark.parametrize(
    ("name", "settings", "term", "least", "most"),
    [
        ("repnoise", {}, "lens_loss", 1.2, 10.0),
        ("repnoise", {"alpha": 0.0, "beta": 1.0}, "noise_distance", 0.0, 0.8),
        ("crl", {}, "unsafe_loss", 0.0, 0.9),
        ("repbend", {"cap": 2.0}, "unsafe_norm", 100.0, float("inf")),
        ("circuit_breakers", {}, "reroute_cosine", 0.0, 0.3),
        ("rmu", {"alpha": 30.0}, "forget_loss", 0.0, 0.9),
    ],
)
def test_a_short_training_moves_what_it_is_for(
    name: str, settings: dict[str, Any], term: str, least: float, most: float
) -> None:
    parameters = {"train_steps": 25, "lr": 1e-2, "batch": 4, **settings}
    made = defense(Choice(name=name, parameters=parameters)).steps(tiny_subject(), tiny_material(), 0, None)
    found = [step.terms[term] for step in made]
    assert least <= found[-1] / max(found[0], 1e-9) <= most


def bfloat16() -> Subject:
    tiny = tiny_subject()
    return Subject(tiny.model, tiny.tokenizer, dtype="bfloat16")


@pytest.mark.parametrize("name", ["repnoise", "crl", "repbend", "circuit_breakers", "rmu"])
@pytest.mark.parametrize("make", [gpt2, llama, bfloat16])
def test_they_run_on_other_architectures_and_in_less_precise_arithmetic(make: Callable[[], Subject], name: str) -> None:
    built = defense(Choice(name=name, parameters={"train_steps": 2, "batch": 2}))
    subject = make()
    built.check(subject)
    before = weights(subject)
    steps = list(built.steps(subject, tiny_material(), 0, None))
    assert [step.dose for step in steps] == [1, 2]
    assert not same(weights(subject), before)
