"""Tiny subjects and conformance checks, for the tests of titer and of packages that add methods to it."""

from __future__ import annotations

import string

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from titer.seeds import scoped
from titer.subject import Subject

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
