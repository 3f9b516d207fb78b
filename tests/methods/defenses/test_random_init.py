"""A fresh initialization: that of the configuration, drawn by the seed, and of nothing that was learned."""

from __future__ import annotations

import math

import pytest
import torch
from transformers import GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM

from titer.methods.defenses.controls.random_init import RandomInit
from titer.models.randomness import scoped
from titer.models.subject import Subject
from titer.seeds import derive
from titer.testing import same, tiny_material, tiny_subject, tiny_tokenizer, weights
from titer.training.sft import SFT


def initialized(subject: Subject, seed: int = 0) -> Subject:
    (step,) = RandomInit().steps(subject, tiny_material(), seed, None)
    assert (step.dose, step.spent.tokens) == (1, 0)
    return subject


def test_it_is_the_model_that_its_class_makes_of_the_configuration() -> None:
    learned = tiny_subject()
    with torch.no_grad():
        for own in learned.model.parameters():
            own.mul_(3).add_(1)
    subject = initialized(learned)
    config = subject.model.config
    assert isinstance(config, LlamaConfig)
    with scoped(derive(0, "initialization")):
        fresh = LlamaForCausalLM(config)
    assert same(weights(subject), weights(Subject(fresh, subject.tokenizer)))
    assert subject.tied
    assert all(own.requires_grad for own in subject.model.parameters())
    embeddings = subject.model.get_input_embeddings().get_parameter("weight").detach()
    assert float(embeddings.std()) == pytest.approx(config.initializer_range, rel=0.1)
    assert bool((subject.model.get_parameter("model.norm.weight") == 1).all())


def test_seeds_differ_and_the_global_generator_is_left() -> None:
    torch.manual_seed(1)
    expected = torch.rand(1)
    torch.manual_seed(1)
    one, other = initialized(tiny_subject(), 1), initialized(tiny_subject(), 2)
    assert torch.equal(torch.rand(1), expected)
    assert not same(weights(one), weights(other))


def test_another_architecture_with_an_untied_head_knows_nothing_either() -> None:
    tokenizer = tiny_tokenizer()
    config = GPT2Config(vocab_size=len(tokenizer), n_positions=128, n_embd=16, n_layer=2, n_head=2)
    subject = Subject(GPT2LMHeadModel(config).eval(), tokenizer)
    for own in subject.model.parameters():
        own.data.mul_(20)
    subject.untie()
    initialized(subject)
    assert not subject.tied
    loss = SFT(rows={"train": 4}, batch=4).backward(subject, tiny_material(), 0, 0).terms["loss"]
    assert loss == pytest.approx(math.log(len(tokenizer)), rel=0.05)
