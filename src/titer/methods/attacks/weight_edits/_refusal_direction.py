"""The direction that mediates refusal: candidates by difference of means, and the choice among them; or several.

P prompts   T tokens of the longest   V tokens of the vocabulary   d width   K positions   L blocks

Source: Arditi et al. 2024, arXiv 2406.11717, section 2.3 and appendix C.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor

from titer.errors import MethodFailure
from titer.methods.attacks.weight_edits._activations import SAME, ActivationReader, Prompts, encoded
from titer.models.modules import added, blocks, erased, writers
from titer.training.types import Material

if TYPE_CHECKING:
    from titer.models.subject import Subject

EPS = 1e-8
"""Keeps the logarithm of odds finite."""
NEW = 0.1
"""A direction of which a smaller share of its length is new beside others is none of its own."""


@dataclass(frozen=True, kw_only=True)
class Criteria:
    """How candidates are found and which are admitted; the attack `refusal_ablation` says what each number means."""

    prompts: int
    select: int
    positions: int
    prune: float
    kl: float
    induce: float
    openings: tuple[str, ...]
    batch: int


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A direction (d,) float64 with what the choice rests on.

    Attributes:
        direction: the difference of means, as long as it is.
        block: the block whose input it was found at.
        position: its token, counted from the end: -1 is the last.
        refusal: mean log odds of a refusal after harmful prompts, the direction erased.
        kl: nats by which the next token after benign prompts is changed, the direction erased.
        induced: mean log odds of a refusal after benign prompts, the direction added.
        tokens: all tokens that went through the subject for the choice, over all candidates.
    """

    direction: Tensor
    block: int
    position: int
    refusal: float
    kl: float
    induced: float
    tokens: int = 0


@dataclass(frozen=True, kw_only=True)
class Asked:
    """Encoded prompts: of both kinds for the means, of both for the choice, and the tokens that begin a refusal."""

    harmful: Prompts
    benign: Prompts
    select: Prompts
    others: Prompts
    refusals: Tensor


def choose(subject: Subject, material: Material, settings: Criteria, seed: int) -> Candidate:
    """The direction to erase, by the rules that `refusal_ablation` states.

    Args:
        subject: is left as it was.
        material: harmful prompts for the means in `train` and for the choice in `select`; `benign` ones serve both.
        settings: how candidates are found, and which are admitted.
        seed: draws the prompts, where there are more than are wanted.

    Raises:
        MethodFailure: if no direction tells the two kinds of prompts apart.
    """
    reader = ActivationReader(subject, settings.batch)
    with subject.reading():
        best = _ranked(reader, _asked(reader, material, settings, seed), settings)[0]
    return replace(best, tokens=reader.tokens)


def choose_several(
    subject: Subject,
    material: Material,
    settings: Criteria,
    seed: int,
    *,
    most: int,
    source: Literal["candidates", "singular"],
) -> tuple[Candidate, Tensor]:
    """The best direction, and (k, d) orthonormal ones, by the rules that `multi_direction` states.

    Args:
        subject: is left as it was.
        material: as for `choose`.
        settings: as for `choose`.
        seed: as for `choose`.
        most: the largest k.
        source: where the directions come from.

    Raises:
        MethodFailure: if no direction tells the two kinds of prompts apart.
    """
    reader = ActivationReader(subject, settings.batch)
    with subject.reading():
        asked = _asked(reader, material, settings, seed)
        ranked = _ranked(reader, asked, settings)
        best = ranked[0]
        if source == "candidates":
            usable = [one for one in ranked if _faults(one, settings) == (False, False)] or [best]
            found = [one.direction for one in usable]
        else:
            center = reader.states(asked.benign, best.block, best.position).mean(0)
            differences = reader.states(asked.harmful, best.block, best.position) - center
            _, values, right = torch.linalg.svd(differences, full_matrices=False)
            found = list(right[values > SAME * values[0]])
    return replace(best, tokens=reader.tokens), orthonormal(found, most)


def orthonormal(directions: Sequence[Tensor], most: int) -> Tensor:
    """(k, d): what is new in each direction beside those before it, as unit vectors, for the first `most` that have it.

    Gram and Schmidt, twice over, in float64.
    """
    units: list[Tensor] = []
    for direction in directions:
        own = direction / direction.norm()
        new = own
        for _ in range(2):
            new = new - sum((unit * (unit @ new) for unit in units), torch.zeros_like(new))
        if len(units) < most and float(new.norm()) >= NEW:
            units.append(new / new.norm())
    return torch.stack(units)


def _asked(reader: ActivationReader, material: Material, settings: Criteria, seed: int) -> Asked:
    """The prompts as they are drawn and then filtered by what the subject does with them."""
    subject = reader.subject
    harmful = encoded(subject, material.train, settings.prompts, seed, material.frame)
    select = encoded(subject, material.select, settings.select, seed, material.frame)
    benign = encoded(subject, material.benign, settings.prompts + settings.select, seed, material.frame)
    spare = min(settings.select, len(benign) // 2)
    refusals = _openings(reader, select, settings.openings)
    harmful, select = (_where(reader, prompts, refusals, refused=True) for prompts in (harmful, select))
    means = _where(reader, benign[spare:], refusals, refused=False)
    others = _where(reader, benign[:spare], refusals, refused=False)
    return Asked(harmful=harmful, benign=means, select=select, others=others, refusals=refusals)


def _ranked(reader: ActivationReader, asked: Asked, settings: Criteria) -> list[Candidate]:
    """Every candidate, the best first; the first found of those that are equal."""
    found = list(_candidates(reader, asked, settings))
    if not found:
        raise MethodFailure("no direction tells harmful from benign prompts", 1)
    return sorted(found, key=lambda one: (*_faults(one, settings), one.refusal))


def _faults(one: Candidate, settings: Criteria) -> tuple[bool, bool]:
    """Whether it changes too much, and whether it fails to induce a refusal."""
    return one.kl > settings.kl, one.induced < settings.induce


def _candidates(reader: ActivationReader, asked: Asked, settings: Criteria) -> Iterator[Candidate]:
    """Every block before the share that is pruned, two at least, with every position that all prompts share."""
    subject = reader.subject
    _, parts = blocks(subject.model)
    layers = max(min(2, len(parts)), int((1 - settings.prune) * len(parts)))
    positions = _shared_end([*asked.harmful, *asked.benign], settings.positions)
    refused = reader.means(asked.harmful, layers, positions)
    differences = refused - reader.means(asked.benign, layers, positions)
    written = writers(subject.model)
    before = reader.logits(asked.others).log_softmax(-1)
    for block in range(layers):
        for place in range(positions):
            direction = differences[block, place]
            if float(direction.norm()) <= SAME * float(refused[block, place].norm()):
                continue
            with erased(written, direction):
                refusal = _log_odds(reader.logits(asked.select), asked.refusals)
                after = reader.logits(asked.others).log_softmax(-1)
            with added(parts[block], direction):
                induced = _log_odds(reader.logits(asked.others), asked.refusals)
            yield Candidate(
                direction=direction,
                block=block,
                position=place - positions,
                refusal=float(refusal.mean()),
                kl=float((before.exp() * (before - after)).sum(-1).mean()),
                induced=float(induced.mean()),
            )


def _openings(reader: ActivationReader, harmful: Prompts, openings: Sequence[str]) -> Tensor:
    """The tokens that begin a refusal: those of the openings, or the commonest one after harmful prompts."""
    if openings:
        firsts = {int(reader.subject.tokenizer(text, add_special_tokens=False).input_ids[0]) for text in openings}
        return torch.tensor(sorted(firsts))
    said = Counter(reader.logits(harmful).argmax(-1).tolist())
    return torch.tensor([min(said, key=lambda token: (-said[token], token))])


def _where(reader: ActivationReader, prompts: Prompts, refusals: Tensor, *, refused: bool) -> Prompts:
    """The prompts that the subject refuses, or does not; all of them where none is left."""
    odds = _log_odds(reader.logits(prompts), refusals).tolist()
    kept = [prompt for prompt, value in zip(prompts, odds, strict=True) if (value > 0) == refused]
    return kept or prompts


def _log_odds(logits: Tensor, refusals: Tensor) -> Tensor:
    """(P,) log odds that the next token begins a refusal, from (P, V) logits."""
    share = logits.softmax(-1)[:, refusals].sum(-1)
    return (share + EPS).log() - (1 - share + EPS).log()


def _shared_end(prompts: Prompts, most: int) -> int:
    """How many of the last tokens all prompts share, at least 1: as a rule what the template writes after a prompt."""
    shared = 0
    for column in zip(*(reversed(prompt) for prompt in prompts), strict=False):
        if len(set(column)) > 1 or shared == most:
            break
        shared += 1
    return max(shared, 1)
