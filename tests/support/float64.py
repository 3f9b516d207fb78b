"""A tiny subject in float64, for gradients that are compared to more digits than float32 has.

Hugging Face's Llama is not float64 after `.double()`: its norms compute in float32, and so does eager attention.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from transformers.models.llama.modeling_llama import LlamaRMSNorm

from support.uneven_rows import uneven_material
from titer.models.subject import Subject
from titer.testing import tiny_subject
from titer.training.types import Objective


def float64_subject(seed: int = 0) -> Subject:
    """The tiny subject with norms of torch, and attention that can be differentiated twice under `twice`."""
    subject = tiny_subject(seed)
    model = subject.model.double()
    for module in list(model.modules()):
        for name, part in list(module.named_children()):
            if isinstance(part, LlamaRMSNorm):
                own = torch.nn.RMSNorm(part.weight.shape, eps=part.variance_epsilon, dtype=torch.float64)
                own.weight = part.weight
                setattr(module, name, own)
    model.set_attn_implementation("sdpa")
    return subject


def padded_by_its_end() -> Subject:
    """The tiny subject, padded by the token that ends an answer, as many chat models are."""
    subject = float64_subject()
    subject.tokenizer.pad_token = subject.tokenizer.eos_token
    return subject


def first_update(objective: Objective) -> tuple[dict[str, float], torch.Tensor]:
    """The terms and the gradient of step 0 with seed 1 on rows whose refusals differ in length."""
    subject = float64_subject()
    objective.prepare(subject, uneven_material())
    update = objective.backward(subject, uneven_material(), 0, 1)
    return dict(update.terms), flat_gradient(subject)


@contextmanager
def twice() -> Iterator[None]:
    """Attention by the kernel that has a second derivative."""
    with sdpa_kernel(SDPBackend.MATH):
        yield


class _Once(torch.autograd.Function):
    """The identity, which can be differentiated once."""

    @staticmethod
    def forward(ctx: Any, values: torch.Tensor) -> torch.Tensor:
        return values.clone()

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, gradient: torch.Tensor) -> torch.Tensor:
        return gradient * 1.0


def without_second_derivative(subject: Subject) -> Subject:
    """The same subject, its attention like that of kernels that have no second derivative."""
    for layer in subject.model.model.layers:
        layer.self_attn.o_proj.register_forward_hook(
            lambda module, args, output: _Once.apply(output)  # type: ignore[no-untyped-call]
        )
    return subject


def flat_gradient(subject: Subject) -> torch.Tensor:
    """All that is in `.grad`, as one vector; zeros where nothing came."""
    return torch.cat(
        [
            (torch.zeros_like(own) if own.grad is None else own.grad).flatten()
            for own in subject.model.parameters()
            if own.requires_grad
        ]
    )


def relative(one: torch.Tensor, other: torch.Tensor) -> float:
    """‖one − other‖ / ‖other‖."""
    return float((one - other).norm() / other.norm())
