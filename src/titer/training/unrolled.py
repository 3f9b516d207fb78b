"""The gradient of what a training leads to, with respect to where it begins: through every step, in reverse.

The steps are taken first and their weights kept; then the derivative is carried back from the last step to the first.
An optimizer acts on each weight by itself, so its derivative is a small one; the rest of a step is a product with the
Hessian at its weights. That is the exact gradient, with the graph of one batch in memory at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from titer.models.randomness import scoped
from titer.models.subject import Subject
from titer.seeds import derive
from titer.training import gradients
from titer.training.gradients import Gradient, trained
from titer.training.second_order import add_hessian_product
from titer.training.sft import LossBatch, descend

OptimizerRule = Callable[[Tensor, Tensor, tuple[Tensor, ...], Tensor, int], tuple[Tensor, tuple[Tensor, ...]]]
"""One step of an optimizer on one weight: from the weight, its gradient, the moments, the rate and the number of the
step, counted from 1, the weight and the moments after it."""


def sgd(
    weight: Tensor, gradient: Tensor, moments: tuple[Tensor, ...], rate: Tensor, step: int
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Plain gradient descent, which has no moments and takes all steps alike."""
    return weight - rate * gradient, moments


def adam(
    weight: Tensor, gradient: Tensor, moments: tuple[Tensor, ...], rate: Tensor, step: int
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Kingma and Ba 2015, arXiv 1412.6980, with its usual parameters: two moments, zero at first."""
    first, second = moments
    first = 0.9 * first + 0.1 * gradient
    second = 0.999 * second + 0.001 * gradient.square()
    root = (second / (1 - 0.999**step) + SMALLEST).sqrt()
    return weight - rate * (first / (1 - 0.9**step)) / (root + 1e-8), (first, second)


SMALLEST = 1e-30
"""Keeps the derivative of the root of a moment that is 0 from being infinite; what it adds is far below 1e-8."""

MOMENTS: Mapping[OptimizerRule, int] = {sgd: 0, adam: 2}
"""How many tensors of its shape an optimizer keeps for a weight."""


@dataclass(frozen=True)
class _Taken:
    """A step: the weights and moments before it, and the gradient."""

    weights: Mapping[str, Tensor]
    moments: Mapping[str, tuple[Tensor, ...]]
    gradient: Mapping[str, Tensor]


@dataclass(frozen=True)
class Unrolled:
    """The gradient of the mean loss along the way, its derivative by the rate, and every loss, in nats."""

    gradient: Gradient
    by_rate: float
    losses: list[float]
    inner_losses: list[float]


def unrolled(
    subject: Subject,
    inner: Sequence[Sequence[LossBatch]],
    outer: Callable[[], float],
    *,
    rule: OptimizerRule,
    rate: float,
    first_counted: int,
    seed: int,
) -> Unrolled:
    """Differentiate the mean of a loss at the weights after k steps, over k from `first_counted` to all of them.

    Args:
        subject: its trained weights are moved, and put back bit for bit; its `.grad` is empty before and after.
        inner: the batches of each step of the simulated training.
        outer: adds the gradient of the loss that counts to `.grad` where the weights are, and gives it.
        rule: the optimizer.
        rate: its rate.
        first_counted: the least k.
        seed: whatever else is random in a step is drawn from it, the same there and back.
    """
    counted = len(inner) + 1 - first_counted
    losses: list[float] = []
    with subject.restored():
        way, inner_losses = _forward(subject, inner, rule, rate, seed)
        back = {name: torch.zeros_like(own) for name, own in trained(subject).items()}
        moments = {name: tuple(torch.zeros_like(own) for _ in range(MOMENTS[rule])) for name, own in back.items()}
        by_rate = torch.zeros((), dtype=torch.float64)
        for k in range(len(inner), -1, -1):
            if k >= first_counted:
                losses.insert(0, outer())
                back = dict(gradients.combined(back, gradients.taken(subject), 1 / counted))
            if k:
                back, moments, along, more = _through(rule, rate, k, way[k - 1], back, moments)
                by_rate += more
                _put(subject, way[k - 1].weights)
                with scoped(derive(seed, "inner", k)):
                    add_hessian_product(subject, inner[k - 1], along)
                back = dict(gradients.combined(back, gradients.taken(subject), 1.0))
    return Unrolled(back, float(by_rate), losses, inner_losses)


def _forward(
    subject: Subject, inner: Sequence[Sequence[LossBatch]], rule: OptimizerRule, rate: float, seed: int
) -> tuple[list[_Taken], list[float]]:
    """Take every step, keep what it started from, and the loss there."""
    weights = trained(subject)
    moments = {name: tuple(torch.zeros_like(own) for _ in range(MOMENTS[rule])) for name, own in weights.items()}
    way, losses = [], []
    for number, counted in enumerate(inner, start=1):
        with scoped(derive(seed, "inner", number)):
            losses.append(descend(subject, counted))
        found = gradients.taken(subject)
        gradient = {name: found[name] if name in found else torch.zeros_like(own) for name, own in weights.items()}
        way.append(_Taken({name: own.detach().clone() for name, own in weights.items()}, moments, gradient))
        speed = torch.tensor(rate, dtype=torch.float64)
        with torch.no_grad():
            after = {name: rule(own, gradient[name], moments[name], speed, number) for name, own in weights.items()}
        moments = {name: kept for name, (_, kept) in after.items()}
        _put(subject, {name: moved for name, (moved, _) in after.items()})
    return way, losses


def _through(
    rule: OptimizerRule,
    rate: float,
    number: int,
    step: _Taken,
    back: Mapping[str, Tensor],
    moments: Mapping[str, tuple[Tensor, ...]],
) -> tuple[dict[str, Tensor], dict[str, tuple[Tensor, ...]], dict[str, Tensor], Tensor]:
    """Carry the derivative from after a step to before it: by weights, moments, gradient and rate."""
    by_weights, by_moments, by_gradient = {}, {}, {}
    by_rate = torch.zeros((), dtype=torch.float64)
    for name, own in step.weights.items():
        speed = torch.tensor(rate, dtype=torch.float64, requires_grad=True)
        leaves = [one.detach().requires_grad_() for one in (own, step.gradient[name], *step.moments[name])]
        moved, kept = rule(leaves[0], leaves[1], tuple(leaves[2:]), speed, number)
        found = torch.autograd.grad(
            [moved, *kept], [*leaves, speed], [back[name], *moments[name]], allow_unused=True, materialize_grads=True
        )
        by_weights[name], by_gradient[name], by_moments[name] = found[0], found[1], tuple(found[2:-1])
        by_rate += found[-1]
    return by_weights, by_moments, by_gradient, by_rate


def _put(subject: Subject, weights: Mapping[str, Tensor]) -> None:
    with torch.no_grad():
        for name, own in trained(subject).items():
            own.copy_(weights[name])
