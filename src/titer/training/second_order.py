"""Products with the Hessian of a loss, for objectives that differentiate through a step of a training."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel

from titer.errors import InputError
from titer.models.chat_format import Example
from titer.models.subject import Subject
from titer.training.gradients import Gradient, taken, trained
from titer.training.sft import LossBatch, nll_sum
from titer.training.text_targets import count_text


@contextmanager
def differentiable_twice() -> Iterator[None]:
    """Attention by the kernel that has a second derivative, for the block; it is slower, and equal but for last bits.

    Only attention by `scaled_dot_product_attention` is changed: whether that is enough, `check_twice` tells.
    """
    with sdpa_kernel(SDPBackend.MATH):
        yield


def add_hessian_product(subject: Subject, counted: Sequence[LossBatch], vector: Gradient) -> None:
    """Add H·vector to `.grad`, with H the Hessian of the mean over all targets where the weights are now.

    It is the gradient of the inner product of the gradient with a vector that is held fixed (Pearlmutter 1994). A
    weight that the vector lacks counts as 0 in it.

    Args:
        subject: its attention can be differentiated twice, under `differentiable_twice`.
        counted: the batches of the loss, each differentiated by itself.
        vector: what is multiplied.
    """
    total, weights = sum(batch.targets for batch in counted), trained(subject)
    for batch in counted:
        mean = nll_sum(subject, batch) / total
        slopes = torch.autograd.grad(mean, list(weights.values()), create_graph=True, allow_unused=True)
        known = [(own, vector[name]) for name, own in zip(weights, slopes, strict=True) if own is not None]
        torch.autograd.backward(torch.stack([(own * along).sum() for own, along in known]).sum())


def check_twice(subject: Subject, example: Example, place: str) -> None:
    """Look whether the subject can be differentiated twice.

    Args:
        subject: is left as it was; its `.grad` is empty.
        example: a conversation, whose beginning is tried.
        place: of the parameter that asks for it, as a dotted path.

    Raises:
        InputError: if its attention has no second derivative.
    """
    counted = count_text(subject, [Example(example.ids[:4], example.mask[:4])], 1, "whole")
    vector = {name: own.detach() for name, own in trained(subject).items()}
    try:
        with differentiable_twice():
            add_hessian_product(subject, counted, vector)
    except RuntimeError as error:
        problem = "the attention of the subject cannot be differentiated twice"
        remedy = (
            "Load the model with the attention of torch (sdpa or eager), or take the first order where there is one."
        )
        raise InputError(place, problem, remedy) from error
    finally:
        taken(subject)
