"""Small random subjects of several architectures, and what is read of them."""

from __future__ import annotations

from collections.abc import Callable

import torch
from transformers import GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM

from titer.models.chat_format import encode_prompt
from titer.models.randomness import scoped
from titer.models.subject import Subject
from titer.records import Frame
from titer.testing import tiny_subject, tiny_tokenizer


def llama(*, tied: bool = False) -> Subject:
    tokenizer = tiny_tokenizer()
    config = LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=16, intermediate_size=32, num_hidden_layers=3, num_attention_heads=2,
        max_position_embeddings=128, tie_word_embeddings=tied, initializer_range=0.2, attention_bias=True,
    )  # fmt: skip
    with scoped(1):
        return Subject(LlamaForCausalLM(config).eval(), tokenizer)


def gpt2() -> Subject:
    tokenizer = tiny_tokenizer()
    config = GPT2Config(
        vocab_size=len(tokenizer), n_embd=16, n_layer=3, n_head=2, n_positions=128, initializer_range=0.2,
        bos_token_id=tokenizer.bos_token_id, eos_token_id=tokenizer.eos_token_id,
    )  # fmt: skip
    with scoped(1):
        model = GPT2LMHeadModel(config)
        for name, parameter in model.named_parameters():
            if name.endswith("bias"):
                torch.nn.init.normal_(parameter, std=0.2)
    return Subject(model.eval(), tokenizer)


SUBJECTS: list[Callable[[], Subject]] = [llama, gpt2, tiny_subject]


def hidden(subject: Subject) -> tuple[torch.Tensor, ...]:
    """The residual stream before every block, (1, T, d), and after the last."""
    ids = torch.tensor([encode_prompt(subject.tokenizer, "who is there?", Frame())])
    kept: list[torch.Tensor] = []
    last = next(part for part in subject.model.modules() if isinstance(part, torch.nn.ModuleList))[-1]
    handle = last.register_forward_hook(
        lambda module, args, output: kept.append(output if isinstance(output, torch.Tensor) else output[0])
    )
    with torch.no_grad():
        found = subject.model(ids, output_hidden_states=True).hidden_states
    handle.remove()
    return (*found[:-1], *kept)


def logits(subject: Subject) -> torch.Tensor:
    ids = torch.tensor([encode_prompt(subject.tokenizer, "who is there?", Frame())])
    with torch.no_grad():
        return torch.as_tensor(subject.model(ids).logits)


def ends(subject: Subject) -> tuple[torch.nn.Parameter, torch.nn.Parameter]:
    """The matrices of the embeddings and of the head."""
    parts: tuple[torch.nn.Module, ...] = (subject.model.get_input_embeddings(), subject.model.get_output_embeddings())
    return parts[0].get_parameter("weight"), parts[1].get_parameter("weight")
