"""How many copies of the weights each trained defense holds: what was measured, what it says, and what is listed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from transformers import LlamaConfig, LlamaForCausalLM

from benchmarks.live_memory import peaks
from titer.methods import registry
from titer.methods.base import Defense
from titer.models.randomness import scoped
from titer.models.subject import Subject
from titer.records import Choice
from titer.testing import tiny_material
from titer.testing.tiny import tiny_tokenizer
from titer.training.recipe import Full, LoRA, Training

OF_THE_LOOP = 3
"""A gradient, and the two moments of AdamW."""
MATRICES = 0.5
"""What passing copies of single matrices come to, which are 5 % of the weights each."""
LISTED = {
    # methods.md, table 2.21
    "adversarial_loss": 0,
    "booster": 2,  # a gradient, and a snapshot
    "circuit_breakers": 1,  # 0 with LoRA; full as RepBend
    "ctrap": 1,
    "graddiff": 0,
    "gradient_ascent": 0,
    "npo": 1,
    "refusal_sft": 0,
    "repnoise": 0,
    "rmu": 1,
    "sdd": 0,
    "sophon": 4,  # listed without the moments of its second optimizer and the gradient that is collected: 1
    "seam": 5,  # four gradients, and a snapshot
    "tar": 6,
    "targeted_vaccine": 0,
    "vaa": 1,
    "vaccine": 0,
    # methods2.md, the table of its head
    "crl": 1,
    "deep_refusal": 0,
    "deep_safety": 0,
    "lat": 0,
    "repbend": 1,
    "sam_npo": 5,
    "simnpo": 0,
    # as plain fine-tuning, which they are; `random_mapping` is the first stage of TAR
    "ctrl": 0,
    "random_mapping": 0,
    "sft": 0,
}
"""Copies beside weights, gradient and moments. `mlac` is listed by sets of activations alone, one an inner step."""
ONLY_SOME = {"rmu"}
"""Train three matrices, so that gradient and moments are no copies."""
BRIEF: dict[str, dict[str, Any]] = {
    "deep_refusal": {"trainable": Full()},
    "mlac": {"train_steps": 2, "inner_steps": 2, "inner_batch": 6, "calibration": "none"},
    "targeted_vaccine": {"layers": 4},
    "sophon": {"train_steps": 3, "inner_steps": 2, "inner_batch": 3, "aside": 3},
    "tar": {"train_steps": 2, "inner_steps": 2, "subsample": 1},
    "vaa": {"train_steps": 6, "pilot_steps": 2, "pilot_lr": 1e-4},
}
TRAINED = [name for name, own in registry.known("defenses").items() if issubclass(own, Training)]


def brief(name: str, **changes: Any) -> Defense:
    """A defense that trains a few steps of three rows."""
    cls = registry.known("defenses")[name]
    short = {"train_steps": 2, "batch": 3, "lr": 1e-4, **BRIEF.get(name, {}), **changes}
    defense = registry.defense(Choice(name=name, parameters=dict(cls.example)))
    return type(defense).model_validate({**dict(defense), **short})


def subject() -> Subject:
    """A random Llama whose weights have sizes that no batch of three or six rows has."""
    tokenizer = tiny_tokenizer()
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=148,
        intermediate_size=293,
        num_hidden_layers=4,
        num_attention_heads=2,
        num_key_value_heads=2,
        max_position_embeddings=128,
        tie_word_embeddings=True,
    )
    with scoped(0):
        return Subject(LlamaForCausalLM(config).eval(), tokenizer)


def held(defense: Defense) -> float:
    """The most copies beside the weights themselves."""
    own, material = subject(), replace(tiny_material(), parent=None)
    return peaks(own, lambda: list(defense.steps(own, material, 3, None))).copies


def test_every_trained_defense_is_listed() -> None:
    assert {*LISTED, "mlac"} == set(TRAINED)


@pytest.mark.parametrize("name", LISTED)
def test_none_says_more_than_is_listed(name: str) -> None:
    assert brief(name).copies <= LISTED[name]


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        *((name, {}) for name in TRAINED),
        ("ctrap", {"order": "second"}),
        ("mlac", {"inner_optimizer": "sgd"}),
        ("sophon", {"inner_optimizer": "adamw"}),
        ("tar", {"objective": "preference"}),
    ],
)
def test_none_holds_more_than_it_says(name: str, changes: dict[str, Any]) -> None:
    """And no copy less, where it trains all weights."""
    defense = brief(name, **changes)
    expected = OF_THE_LOOP + defense.copies
    assert (-MATRICES if name not in ONLY_SOME else -expected) < held(defense) - expected < MATRICES


@pytest.mark.parametrize("name", ["crl", "rmu"])
def test_with_an_adapter_the_reference_is_the_subject(name: str) -> None:
    assert (brief(name).copies, brief(name, trainable=LoRA()).copies) == (1, 0)


@pytest.mark.parametrize(("name", "parameters"), [("random_init", {}), ("random_displacement", {"displacement": 0.1})])
def test_controls_hold_what_they_draw(name: str, parameters: dict[str, float]) -> None:
    defense = registry.defense(Choice(name=name, parameters=parameters))
    assert defense.copies - MATRICES < held(defense) < defense.copies + MATRICES
