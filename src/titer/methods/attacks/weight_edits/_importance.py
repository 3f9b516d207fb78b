"""How important each weight is to what a subject says.

Source: Wei et al. 2024, arXiv 2402.05162, the score of SNIP (Lee et al. 2019, arXiv 1810.02340) over examples.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from titer.models.chat_format import Example
from titer.models.modules import matrices, rows_of
from titer.training.sft import count_responses, nll_sum

if TYPE_CHECKING:
    from titer.models.subject import Subject


def importance(subject: Subject, examples: Sequence[Example]) -> dict[str, Tensor]:
    """(outputs, inputs) by the name of a matrix of the blocks: the mean of |W ∘ ∂L/∂W|.

    L is the loss of one example, in nats per token of its response; each example has a gradient of its own.

    Args:
        subject: is left as it was.
        examples: at least one.
    """
    modules = {name: subject.model.get_submodule(name) for name in matrices(subject.model)}
    weights = [module.get_parameter("weight") for module in modules.values()]
    total = {name: torch.zeros_like(rows_of(module)) for name, module in modules.items()}
    for example in examples:
        (counted,) = count_responses(subject, [example], 1)
        gradients = torch.autograd.grad(nll_sum(subject, counted) / counted.targets, weights)
        for (name, module), gradient in zip(modules.items(), gradients, strict=True):
            total[name] += rows_of(module, gradient * module.get_parameter("weight")).abs().detach() / len(examples)
    return total


def only_for(one: Tensor, other: Tensor, share: float, spared: float) -> Tensor:
    """Where a matrix is True: the share with the highest score in `one`, but for that `spared` with it in `other`."""
    return _highest(one, share) & ~_highest(other, spared)


def _highest(scores: Tensor, share: float) -> Tensor:
    order = torch.argsort(scores.flatten(), descending=True, stable=True)
    chosen = torch.zeros(scores.numel(), dtype=torch.bool, device=scores.device)
    chosen[order[: round(share * scores.numel())]] = True
    return chosen.view(scores.shape)
