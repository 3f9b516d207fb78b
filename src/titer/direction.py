"""The direction that mediates refusal: candidates by difference of means, and the choice among them.

P prompts   T tokens of the longest   V tokens of the vocabulary   d width   K positions   L blocks

Source: Arditi et al. 2024, arXiv 2406.11717, section 2.3 and appendix C.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from titer.chat import Example, encode_prompt, pad_batch, pad_token
from titer.errors import MethodFailure
from titer.interfaces import Material
from titer.records import Frame, Row
from titer.residual import added, blocks, erased, writers
from titer.seeds import derive

if TYPE_CHECKING:
    from titer.attacks.refusal_ablation import RefusalAblation
    from titer.subject import Subject

EPS = 1e-8
"""Keeps the logarithm of odds finite."""
SAME = 1e-6
"""Means that differ by no more than this share of their length are the same but for rounding."""


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


Prompts = Sequence[Sequence[int]]


class Reader:
    """Asks the subject for its next token and its hidden states, in batches, and counts the tokens."""

    def __init__(self, subject: Subject, batch: int) -> None:
        self.subject = subject
        self.batch = batch
        self.tokens = 0

    def logits(self, prompts: Prompts) -> Tensor:
        """(P, V) float64 on the CPU, after the last token of each prompt."""
        found = []
        for ids, attention, ends in self._batches(prompts):
            places = torch.zeros_like(attention, dtype=torch.bool)
            places[torch.arange(len(ends)), ends] = True
            found.append(self.subject.logits(ids, attention, places).cpu().double())
        return torch.cat(found)

    def means(self, prompts: Prompts, layers: int, positions: int) -> Tensor:
        """(L, K, d) float64: the mean input of each of the first `layers` blocks at each of the last K tokens."""
        total: Tensor | None = None
        for ids, attention, ends in self._batches(prompts):
            with self.subject.precision():
                output = self.subject.model(ids, attention_mask=attention, output_hidden_states=True, use_cache=False)
            back = ends[:, None] - torch.arange(positions - 1, -1, -1)[None]
            rows = torch.arange(len(ends))[:, None]
            picked = torch.stack([h[rows, back].cpu().double().sum(0) for h in output.hidden_states[:layers]])
            total = picked if total is None else total + picked
        assert total is not None
        return total / len(prompts)

    def _batches(self, prompts: Prompts) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        pad = pad_token(self.subject.tokenizer)
        for start in range(0, len(prompts), self.batch):
            chosen = [Example(tuple(ids), (False,) * len(ids)) for ids in prompts[start : start + self.batch]]
            padded = pad_batch(chosen, pad, self.subject.device)
            ends = torch.tensor([len(example.ids) - 1 for example in chosen])
            self.tokens += int(ends.sum()) + len(chosen)
            yield padded.ids, padded.attention, ends


def choose(subject: Subject, material: Material, settings: RefusalAblation, seed: int) -> Candidate:
    """The direction to erase, by the rules that `RefusalAblation` states.

    Args:
        subject: is left as it was.
        material: harmful prompts for the means in `train` and for the choice in `select`; `benign` ones serve both.
        settings: the attack.
        seed: draws the prompts, where there are more than are wanted.

    Raises:
        MethodFailure: if no direction tells the two kinds of prompts apart.
    """
    reader = Reader(subject, settings.batch)
    harmful = _encoded(subject, material.train, settings.prompts, seed, material.frame)
    asked = _encoded(subject, material.select, settings.select, seed, material.frame)
    benign = _encoded(subject, material.benign, settings.prompts + settings.select, seed, material.frame)
    spare = min(settings.select, len(benign) // 2)
    with subject.reading():
        refusals = _openings(reader, asked, settings.openings)
        harmful, asked = (_where(reader, prompts, refusals, refused=True) for prompts in (harmful, asked))
        means = _where(reader, benign[spare:], refusals, refused=False)
        others = _where(reader, benign[:spare], refusals, refused=False)
        found = list(_candidates(reader, (harmful, means), (asked, others), refusals, settings))
    if not found:
        raise MethodFailure("no direction tells harmful from benign prompts", 1)
    best = min(found, key=lambda one: (one.kl > settings.kl, one.induced < settings.induce, one.refusal))
    return replace(best, tokens=reader.tokens)


def _candidates(
    reader: Reader,
    means: tuple[Prompts, Prompts],
    chosen: tuple[Prompts, Prompts],
    refusals: Tensor,
    settings: RefusalAblation,
) -> Iterator[Candidate]:
    """Every block before the share that is pruned, two at least, with every position that all prompts share.

    `means` and `chosen` are harmful and benign prompts.
    """
    subject = reader.subject
    _, parts = blocks(subject.model)
    layers = max(min(2, len(parts)), int((1 - settings.prune) * len(parts)))
    positions = _shared_end([*means[0], *means[1]], settings.positions)
    refused = reader.means(means[0], layers, positions)
    differences = refused - reader.means(means[1], layers, positions)
    written = writers(subject.model)
    harmful, benign = chosen
    before = reader.logits(benign).log_softmax(-1)
    for block in range(layers):
        for place in range(positions):
            direction = differences[block, place]
            if float(direction.norm()) <= SAME * float(refused[block, place].norm()):
                continue
            with erased(written, direction):
                refusal = _log_odds(reader.logits(harmful), refusals)
                after = reader.logits(benign).log_softmax(-1)
            with added(parts[block], direction):
                induced = _log_odds(reader.logits(benign), refusals)
            yield Candidate(
                direction=direction,
                block=block,
                position=place - positions,
                refusal=float(refusal.mean()),
                kl=float((before.exp() * (before - after)).sum(-1).mean()),
                induced=float(induced.mean()),
            )


def _encoded(subject: Subject, rows: Sequence[Row], most: int, seed: int, frame: Frame) -> Prompts:
    """The prompts of at most so many rows, drawn."""
    drawn = sorted(rows, key=lambda row: derive(seed, "direction", row.id))[:most]
    return [encode_prompt(subject.tokenizer, row.prompt, frame) for row in drawn]


def _openings(reader: Reader, harmful: Prompts, openings: Sequence[str]) -> Tensor:
    """The tokens that begin a refusal: those of the openings, or the commonest one after harmful prompts."""
    if openings:
        firsts = {int(reader.subject.tokenizer(text, add_special_tokens=False).input_ids[0]) for text in openings}
        return torch.tensor(sorted(firsts))
    said = Counter(reader.logits(harmful).argmax(-1).tolist())
    return torch.tensor([min(said, key=lambda token: (-said[token], token))])


def _where(reader: Reader, prompts: Prompts, refusals: Tensor, *, refused: bool) -> Prompts:
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
