"""Which candidates for a refusal direction are of use, and in which order: by what erasing them does.

Source: Arditi et al. 2024, arXiv 2406.11717, appendix C.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from titer.errors import MethodFailure

if TYPE_CHECKING:
    from torch import Tensor

NOT_FINITE = "what erasing directions does is not finite"


@dataclass(frozen=True, kw_only=True)
class Criteria:
    """How candidates are found and which are admitted; the attack `refusal_ablation` says what each number means."""

    prompts: int
    select: int
    positions: int | None
    prune: float
    kl: float
    loose_kl: float
    induce: float | None
    openings: tuple[str, ...]
    batch: int

    def tier(self, one: Candidate) -> int | None:
        """0 if a candidate is admitted, 1 if it is within the loose limit, 2 if it only lowers refusals within it.

        None where it is of no use: it changes too much, or leaves refusals as likely as they were, or is undefined.
        """
        if not (one.defined and one.kl <= max(self.kl, self.loose_kl) and one.refusal < one.before):
            return None
        if one.refusal >= 0 or (self.induce is not None and one.induced < self.induce):
            return 2
        return 0 if one.kl <= self.kl else 1


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A direction (d,) float64 with what the choice rests on.

    Attributes:
        direction: the difference of means, as long as it is.
        block: the block whose input it was found at.
        position: its token, counted from the end: -1 is the last.
        before: mean log odds of a refusal after harmful prompts, nothing erased.
        refusal: the same, the direction erased.
        kl: nats by which the next token after benign prompts is changed, the direction erased.
        induced: mean log odds of a refusal after benign prompts, the direction added.
    """

    direction: Tensor
    block: int
    position: int
    before: float
    refusal: float
    kl: float
    induced: float

    @property
    def defined(self) -> bool:
        """Whether all that the choice rests on is finite."""
        return all(map(math.isfinite, (self.before, self.refusal, self.kl, self.induced)))


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """What is to be erased: nothing where no direction is of use, for who finds none leaves the subject as it is.

    Attributes:
        best: the best candidate, with what erasing all of the directions does; None where no direction is of use.
        directions: (d,) float64 each.
        tokens: all tokens that went through the subject for the choice, over all candidates.
    """

    best: Candidate | None
    directions: tuple[Tensor, ...]
    tokens: int


def ranked(found: Sequence[Candidate], settings: Criteria) -> list[Candidate]:
    """The candidates that are of use, the best first; the first found of those that are equal.

    Raises:
        MethodFailure: if there are none, and what one of them does is not finite: it is not known to be of no use.
    """
    tiers = [(tier, one.refusal, place) for place, one in enumerate(found) if (tier := settings.tier(one)) is not None]
    if not tiers and not all(one.defined for one in found):
        raise MethodFailure(NOT_FINITE, 1)
    return [found[place] for _, _, place in sorted(tiers)]
