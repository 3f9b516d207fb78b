"""The direction in which harmful prompts differ from benign ones, and passes in which it is taken out here and there.

B rows   T tokens   d width   L blocks
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any, Literal

import torch
from torch import Tensor, nn

from titer.errors import InputError, MethodFailure
from titer.models import modules
from titer.models.chat_format import Example, pad_batch, pad_token
from titer.models.subject import Subject
from titer.training.representations.hidden_states import attentions, mlps, read
from titer.training.sft import count_responses, nll_sum

SAME = 1e-6
"""Means that differ by no more than this share of their length are the same but for rounding."""
Coins = Literal["site_and_position", "position"]
"""What is drawn: whether a site takes part in a pass and then each of its positions, or each position alone."""


def differences(subject: Subject, harmful: Sequence[Example], benign: Sequence[Example], batch: int) -> Tensor:
    """(L, d) float64: of the inputs of each block after the last token of the prompts, the difference of the means.

    Where the two kinds cannot be told apart it is 0, as before the first block.

    Args:
        subject: is left as it was.
        harmful: rows, of which the prompts are read.
        benign: as many others as there are.
        batch: prompts that go through the subject at once.
    """
    refused, others = (_means(subject, kind, batch) for kind in (harmful, benign))
    found = refused - others
    told = found.norm(dim=1, keepdim=True) > SAME * refused.norm(dim=1, keepdim=True)
    return torch.where(told, found, 0.0)


def mediating(
    subject: Subject, candidates: Tensor, refusals: Sequence[Example], benign: Sequence[Example], batch: int
) -> int:
    """Which of (L, d) directions, ablated at every site and position, costs refusals most beside what it costs answers.

    Cost is that in log-likelihood, in nats per token.

    Args:
        subject: is left as it was.
        candidates: one for each block; one that is 0 is none.
        refusals: rows with their refusals.
        benign: rows with their answers.
        batch: rows that go through the subject at once.

    Raises:
        MethodFailure: if none costs refusals more than answers: then none is shown to mediate refusal.
    """

    def excess() -> float:
        return _nll(subject, refusals, batch) - _nll(subject, benign, batch)

    before, gained = excess(), []
    for candidate in candidates:
        if not candidate.any():
            gained.append(-torch.inf)
            continue
        with ablated(subject, candidate, 1.0, "position"):
            gained.append(excess() - before)
    best = max(range(len(gained)), key=gained.__getitem__)
    if not gained[best] > 0:
        raise MethodFailure("no direction of its prompts, ablated, costs it refusals more than answers", 0)
    return best


@contextmanager
def ablated(subject: Subject, direction: Tensor, probability: float, coins: Coins) -> Iterator[None]:
    """In the block's passes x ← x − (x·r̂)r̂ at positions that are drawn, with gradients; the hooks go with the block.

    Sites are the input of each block, what its attention writes and what its feed-forward part does. Coins are drawn
    from torch's global generator, anew at every site of every pass; with a probability of 0 or 1 nothing is drawn.

    Args:
        subject: whose passes are changed.
        direction: (d,) of any length; 0 changes nothing.
        probability: of each coin.
        coins: with two of them the share of ablated positions is its square.
    """
    unit = direction / (direction.norm() + 1e-8)
    erase = partial(_thinned, unit, partial(_mask, probability, coins))
    with ExitStack() as stack:
        if probability > 0:
            for block in modules.blocks(subject.model)[1]:
                hook = block.register_forward_pre_hook(partial(_on_input, erase), with_kwargs=True)
                stack.callback(hook.remove)
            for site in (*attentions(subject), *mlps(subject)):
                stack.callback(site.register_forward_hook(partial(_on_output, erase)).remove)
        yield


def check_layer(subject: Subject, layer: int | None) -> None:
    """Check that the subject has the sites, and a block of that number that is not the first.

    Raises:
        InputError: if it has not.
    """
    attentions(subject)
    mlps(subject)
    blocks = len(modules.blocks(subject.model)[1])
    if layer is not None and layer >= blocks:
        remedy = f"Name one from 1 to {blocks - 1}, or leave it out."
        raise InputError("layer", f"the subject has {blocks} blocks, counted from 0, and none is {layer}", remedy)


def _means(subject: Subject, rows: Sequence[Example], batch: int) -> Tensor:
    total: Tensor | None = None
    pad = pad_token(subject.tokenizer)
    for start in range(0, len(rows), batch):
        prompts = [one.prompt for one in rows[start : start + batch]]
        padded = pad_batch([Example(tuple(ids), (False,) * len(ids)) for ids in prompts], pad, subject.device)
        ends = torch.tensor([len(ids) - 1 for ids in prompts], device=subject.device)
        with subject.reading():
            hidden = read(subject, padded.ids, padded.attention).hidden[:-1]
        last = torch.stack([own[torch.arange(len(prompts)), ends].cpu().double().sum(0) for own in hidden])
        total = last if total is None else total + last
    assert total is not None, "there are rows"
    return total / len(rows)


def _nll(subject: Subject, rows: Sequence[Example], batch: int) -> float:
    """The loss of the answers in nats per token."""
    counted = count_responses(subject, rows, batch)
    with subject.reading():
        return sum(float(nll_sum(subject, one)) for one in counted) / sum(one.targets for one in counted)


def _mask(probability: float, coins: Coins, shape: torch.Size) -> Tensor | None:
    """(B, T) positions that are drawn; None where the site takes no part."""
    if probability == 1:
        return torch.ones(shape, dtype=torch.bool)
    if coins == "site_and_position" and torch.rand(1).item() > probability:
        return None
    return torch.rand(shape) < probability


def _thinned(unit: Tensor, draw: Callable[[torch.Size], Tensor | None], x: Tensor) -> Tensor:
    mask = draw(x.shape[:2])
    if mask is None:
        return x
    unit = unit.to(x)
    return torch.where(mask[..., None].to(x.device), x - (x @ unit)[..., None] * unit, x)


def _on_input(erase: Callable[[Tensor], Tensor], module: nn.Module, args: tuple[Any, ...], kwargs: Any) -> Any:
    if args:
        return (erase(args[0]), *args[1:]), kwargs
    return args, {**kwargs, "hidden_states": erase(kwargs["hidden_states"])}


def _on_output(erase: Callable[[Tensor], Tensor], module: nn.Module, args: Any, output: Tensor) -> Tensor:
    return erase(output)
