"""The prompts that a refusal direction is found and chosen by, and how likely a refusal is after each.

P prompts   V tokens of the vocabulary
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from titer.methods.attacks.weight_edits._activations import ActivationReader, Prompts, encoded
from titer.training.types import Material

EPS = 1e-8
"""Keeps the logarithm of odds finite."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """Encoded prompts: of both kinds for the means, of both for the choice, and the tokens that begin a refusal."""

    harmful: Prompts
    benign: Prompts
    select: Prompts
    others: Prompts
    refusals: Tensor


def draw_prompts(
    reader: ActivationReader,
    material: Material,
    *,
    prompts: int,
    select: int,
    openings: Sequence[str],
    seed: int,
) -> Asked:
    """The prompts as they are drawn and then filtered by what the subject does with them.

    Args:
        reader: asks the subject.
        material: harmful prompts for the means in `train` and for the choice in `select`; `benign` ones serve both.
        prompts: the most of each kind for the means.
        select: the most of each kind for the choice.
        openings: texts that begin a refusal; where there are none, the subject's own.
        seed: draws the prompts, where there are more than are wanted.
    """
    subject = reader.subject
    harmful = encoded(subject, material.train, prompts, seed, material.frame)
    chosen = encoded(subject, material.select, select, seed, material.frame)
    benign = encoded(subject, material.benign, prompts + select, seed, material.frame)
    spare = min(select, len(benign) // 2)
    refusals = _openings(reader, chosen, openings)
    harmful, chosen = (_where(reader, some, refusals, refused=True) for some in (harmful, chosen))
    means = _where(reader, benign[spare:], refusals, refused=False)
    others = _where(reader, benign[:spare], refusals, refused=False)
    return Asked(harmful=harmful, benign=means, select=chosen, others=others, refusals=refusals)


def log_odds(logits: Tensor, refusals: Tensor) -> Tensor:
    """(P,) log odds that the next token begins a refusal, from (P, V) logits."""
    share = logits.softmax(-1)[:, refusals].sum(-1)
    return (share + EPS).log() - (1 - share + EPS).log()


def shared_end(prompts: Prompts, most: int | None) -> int:
    """How many of the last tokens all prompts share, at least 1: as a rule what the template writes after a prompt."""
    shared = 0
    for column in zip(*(reversed(prompt) for prompt in prompts), strict=False):
        if len(set(column)) > 1 or shared == most:
            break
        shared += 1
    return max(shared, 1)


def _openings(reader: ActivationReader, harmful: Prompts, openings: Sequence[str]) -> Tensor:
    """The tokens that begin a refusal: those of the openings, or the commonest one after harmful prompts."""
    if openings:
        firsts = {int(reader.subject.tokenizer(text, add_special_tokens=False).input_ids[0]) for text in openings}
        return torch.tensor(sorted(firsts))
    said = Counter(reader.logits(harmful).argmax(-1).tolist())
    return torch.tensor([min(said, key=lambda token: (-said[token], token))])


def _where(reader: ActivationReader, prompts: Prompts, refusals: Tensor, *, refused: bool) -> Prompts:
    """The prompts that the subject refuses, or does not; all of them where none is left."""
    odds = log_odds(reader.logits(prompts), refusals).tolist()
    kept = [prompt for prompt, value in zip(prompts, odds, strict=True) if (value > 0) == refused]
    return kept or prompts
