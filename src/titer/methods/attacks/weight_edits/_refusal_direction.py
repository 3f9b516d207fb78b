"""The direction that mediates refusal: candidates by difference of means, and the choice among them; or several.

P prompts   d width   K positions   L blocks

Source: Arditi et al. 2024, arXiv 2406.11717, section 2.3 and appendix C.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor

from titer.errors import MethodFailure
from titer.methods.attacks.weight_edits._activations import SAME, ActivationReader
from titer.methods.attacks.weight_edits._refusal_choice import NOT_FINITE, Candidate, Chosen, Criteria, ranked
from titer.methods.attacks.weight_edits._refusal_prompts import Asked, draw_prompts, log_odds, shared_end
from titer.models.modules import added, blocks, erased, writers
from titer.training.types import Material

if TYPE_CHECKING:
    from titer.models.subject import Subject

NEW = 0.1
"""A direction of which a smaller share of its length is new beside others is none of its own."""


@dataclass(frozen=True)
class Effects:
    """What erasing directions does to the next token after the prompts of the choice."""

    reader: ActivationReader
    asked: Asked

    def unchanged(self) -> tuple[float, Tensor]:
        """Mean log odds of a refusal after harmful prompts, and (P, V) log-probabilities after benign ones."""
        odds = log_odds(self.reader.logits(self.asked.select), self.asked.refusals)
        return float(odds.mean()), self.reader.logits(self.asked.others).log_softmax(-1)

    def erasing(self, directions: Sequence[Tensor], unchanged: Tensor) -> tuple[float, float]:
        """The log odds with these directions erased, and by how many nats the tokens after benign prompts change."""
        written = writers(self.reader.subject.model)
        with ExitStack() as stack:
            for direction in directions:
                stack.enter_context(erased(written, direction))
            odds = log_odds(self.reader.logits(self.asked.select), self.asked.refusals)
            after = self.reader.logits(self.asked.others).log_softmax(-1)
        return float(odds.mean()), float((unchanged.exp() * (unchanged - after)).sum(-1).mean())


def choose(subject: Subject, material: Material, settings: Criteria, seed: int) -> Chosen:
    """The direction to erase, by the rules that `refusal_ablation` states.

    Args:
        subject: is left as it was.
        material: harmful prompts for the means in `train` and for the choice in `select`; `benign` ones serve both.
        settings: how candidates are found, and which are admitted.
        seed: draws the prompts, where there are more than are wanted.

    Raises:
        MethodFailure: if its hidden states are not finite, or if no direction is of use and what one does is not.
    """
    reader = ActivationReader(subject, settings.batch)
    with subject.reading():
        effects = Effects(reader, _asked(reader, material, settings, seed))
        best = next(iter(ranked(list(_candidates(effects, settings)), settings)), None)
    return Chosen(best=best, directions=() if best is None else (best.direction,), tokens=reader.tokens)


def choose_several(
    subject: Subject,
    material: Material,
    settings: Criteria,
    seed: int,
    *,
    most: int,
    source: Literal["candidates", "singular"],
) -> Chosen:
    """Up to `most` orthonormal directions to erase, by the rules that `multi_direction` states.

    Args:
        subject: is left as it was.
        material: as for `choose`.
        settings: as for `choose`.
        seed: as for `choose`.
        most: how many at most.
        source: where the directions come from.

    Raises:
        MethodFailure: as of `choose`; or if what erasing them together does is not finite.
    """
    reader = ActivationReader(subject, settings.batch)
    with subject.reading():
        asked = _asked(reader, material, settings, seed)
        effects = Effects(reader, asked)
        usable = ranked(list(_candidates(effects, settings)), settings)
        if not usable:
            return Chosen(best=None, directions=(), tokens=reader.tokens)
        best = usable[0]
        if source == "candidates":
            found = [one.direction for one in usable]
        else:
            center = reader.states(asked.benign, best.block, best.position).mean(0)
            differences = reader.states(asked.harmful, best.block, best.position) - center
            _, values, right = torch.linalg.svd(differences, full_matrices=False)
            found = list(right[values > SAME * values[0]])
        units = tuple(orthonormal(found, most))
        refusal, kl = effects.erasing(units, effects.unchanged()[1])
    best = replace(best, refusal=refusal, kl=kl)
    if not best.defined:
        raise MethodFailure(NOT_FINITE, 1)
    return Chosen(best=best, directions=units, tokens=reader.tokens)


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
    return draw_prompts(
        reader,
        material,
        prompts=settings.prompts,
        select=settings.select,
        openings=settings.openings,
        seed=seed,
    )


def _candidates(effects: Effects, settings: Criteria) -> Iterator[Candidate]:
    """Every block before the share that is pruned, two at least, with every position that all prompts share."""
    reader, asked = effects.reader, effects.asked
    _, parts = blocks(reader.subject.model)
    layers = max(min(2, len(parts)), int((1 - settings.prune) * len(parts)))
    positions = shared_end([*asked.harmful, *asked.benign], settings.positions)
    refused = reader.means(asked.harmful, layers, positions)
    differences = refused - reader.means(asked.benign, layers, positions)
    before, unchanged = effects.unchanged()
    for block in range(layers):
        for place in range(positions):
            direction = differences[block, place]
            if float(direction.norm()) <= SAME * float(refused[block, place].norm()):
                continue
            refusal, kl = effects.erasing([direction], unchanged)
            with added(parts[block], direction):
                induced = log_odds(reader.logits(asked.others), asked.refusals)
            yield Candidate(
                direction=direction,
                block=block,
                position=place - positions,
                before=before,
                refusal=refusal,
                kl=kl,
                induced=float(induced.mean()),
            )
