"""Gradients as values, and weights that are moved along them and put back, bit for bit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor

from titer.models.subject import Subject

Gradient = Mapping[str, Tensor]
"""By the name of each weight that is trained what was in its `.grad`."""


def trained(subject: Subject) -> dict[str, torch.nn.Parameter]:
    """The weights that take a gradient, by name: with an adapter on, those of the adapter."""
    return {name: own for name, own in subject.model.named_parameters() if own.requires_grad}


def taken(subject: Subject) -> Gradient:
    """All that has been added to `.grad`, which is empty afterwards; weights that nothing reached are left out."""
    found = {name: own.grad for name, own in trained(subject).items() if own.grad is not None}
    for own in trained(subject).values():
        own.grad = None
    return found


def give(subject: Subject, gradient: Gradient, weight: float = 1.0) -> None:
    """Add a multiple of a gradient to `.grad`."""
    parameters = trained(subject)
    for name, own in gradient.items():
        before = parameters[name].grad
        parameters[name].grad = own * weight if before is None else before + own * weight


def collect(collected: dict[str, Tensor], gradient: Gradient) -> None:
    """Add a gradient to what was collected, in place."""
    for name, own in gradient.items():
        if name in collected:
            collected[name].add_(own)
        else:
            collected[name] = own


def scale(subject: Subject, by: float) -> None:
    """Multiply all that is in `.grad`, in place."""
    for own in trained(subject).values():
        if own.grad is not None:
            own.grad.mul_(by)


def norm(gradient: Gradient) -> float:
    """The Euclidean norm over all tensors together, summed in float64."""
    return float(torch.stack([own.square().sum(dtype=torch.float64) for own in gradient.values()]).sum().sqrt())


def inner(one: Gradient, other: Gradient) -> float:
    """The inner product over all tensors together, summed in float64; a weight that one lacks adds nothing."""
    both = one.keys() & other.keys()
    return float(sum((one[name].double() * other[name].double()).sum() for name in sorted(both)))


def combined(one: Gradient, other: Gradient, by: float) -> Gradient:
    """The sum of one gradient and a multiple of another; a weight that one of them lacks counts as 0 there."""
    alone = {name: own * by for name, own in other.items() if name not in one}
    return {**{name: own + other[name] * by if name in other else own for name, own in one.items()}, **alone}


@contextmanager
def moved(subject: Subject, direction: Gradient, by: float) -> Iterator[None]:
    """θ + by · direction for the block; the weights that were moved are put back from a copy, not by subtraction."""
    parameters = trained(subject)
    before = {name: parameters[name].detach().clone() for name in direction}
    try:
        with torch.no_grad():
            for name, own in direction.items():
                parameters[name].add_(own, alpha=by)
        del direction  # as large as the weights, and perhaps the caller's no more
        yield
    finally:
        with torch.no_grad():
            for name, own in before.items():
                parameters[name].copy_(own)


@contextmanager
def only(subject: Subject, modules: Sequence[torch.nn.Module]) -> Iterator[None]:
    """Of the weights that take a gradient only those of these modules do so in the block."""
    kept = {own for module in modules for own in module.parameters()}
    others = [own for own in trained(subject).values() if own not in kept]
    for own in others:
        own.requires_grad_(False)
    try:
        yield
    finally:
        for own in others:
            own.requires_grad_(True)
