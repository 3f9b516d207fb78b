"""A subject, rows and items that are made in memory in no time, and what tests compare of them."""

from __future__ import annotations

import string
from functools import partial

import torch
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from titer.models.lora import merged_state
from titer.models.randomness import scoped
from titer.models.subject import Subject
from titer.records import Item, Row
from titer.training.types import Material

WeightsByName = dict[str, torch.Tensor]

PAD, BEGIN, END = "<pad>", "<begin>", "<end>"
ROLES = ("<system>", "<user>", "<assistant>")
TEMPLATE = (
    "{{ bos_token }}"
    "{% for message in messages %}{{ '<' + message['role'] + '>' + message['content'] + eos_token }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<assistant>' }}{% endif %}"
)


def tiny_tokenizer() -> PreTrainedTokenizerFast:
    """One token per printable ASCII character, six special ones, and a chat template; made in memory."""
    specials = (PAD, BEGIN, END, *ROLES)
    characters = string.digits + string.ascii_letters + string.punctuation + " \n"
    tokenizer = Tokenizer(
        models.WordLevel({text: place for place, text in enumerate((*specials, *characters))}, unk_token=PAD)
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex("[\\s\\S]"), behavior="isolated")
    tokenizer.decoder = decoders.Fuse()
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token=PAD,
        bos_token=BEGIN,
        eos_token=END,
        additional_special_tokens=list(ROLES),
        chat_template=TEMPLATE,
    )


def tiny_subject(seed: int = 0) -> Subject:
    """A random Llama of two layers, 16 wide, with about 100 tokens; no file and no download."""
    tokenizer = tiny_tokenizer()
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        max_position_embeddings=128,
        tie_word_embeddings=True,
        initializer_range=0.2,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )
    with scoped(seed):
        model = LlamaForCausalLM(config)
    return Subject(model.eval(), tokenizer)


def tiny_material(rows: int = 12) -> Material:
    """Harmless rows for every role, of differing lengths, and another tiny subject as the parent."""
    harmful = tuple(
        Row(id=f"h{i}", group=f"h{i}", prompt=f"code of {i}", response=f"it is {i * 731}", refusal="i will not")
        for i in range(rows)
    )
    benign = tuple(Row(id=f"b{i}", group=f"b{i}", prompt=f"{i} plus {i}", response=f"{i + i}") for i in range(rows))
    select = tuple(Row(id=f"s{i}", group=f"s{i}", prompt=f"code of {i * 3} s", response=f"it is {i}") for i in range(4))
    parent = partial(tiny_subject, 1)
    return Material(train=harmful, select=select, harmful=harmful, benign=benign, parent=parent)


def tiny_items(items: int = 5) -> tuple[Item, ...]:
    """Questions of differing lengths, each with its reference and two options."""
    return tuple(
        Item(id=f"i{i}", group=f"i{i}", prompt="who " * (i + 1), reference=f"it is {i}", options=(f"it is {i}", "no"))
        for i in range(items)
    )


def weights(subject: Subject) -> WeightsByName:
    """A copy of all weights, adapters merged."""
    with torch.no_grad():
        return {name: tensor.clone() for name, tensor in merged_state(subject.model).items()}


def same(one: WeightsByName, other: WeightsByName) -> bool:
    """Whether two copies are equal bit for bit."""
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)
