"""Right or wrong before and after: is the difference of paired rates above a margin, or below it?"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from titer.stats.arguments import one_of, same_length
from titer.stats.outcomes import read_flags
from titer.stats.tango import TIE, critical_score, lower_score_limit, tango_score

Claim = Literal["noninferior", "inferior"]


@dataclass(frozen=True, kw_only=True)
class Changes:
    """Paired binary scores, right or wrong.

    Attributes:
        gains: items wrong for M and right for M*.
        losses: items right for M and wrong for M*.
        items: all items, those without a change included.
    """

    gains: int
    losses: int
    items: int

    def __post_init__(self) -> None:
        """Refuse impossible counts."""
        if min(self.gains, self.losses) < 0 or self.items < 1 or self.gains + self.losses > self.items:
            raise ValueError(f"need gains, losses >= 0 and gains + losses <= items: {self}")


@dataclass(frozen=True, kw_only=True)
class RateComparison:
    """One claim about a difference of paired rates, with all that it rests on.

    Attributes:
        claim: what was tested.
        shown: whether the claim is shown at `level`.
        estimate: D, the difference of rates.
        limit: Tango's score limit of D: lower for noninferior, upper for inferior. It agrees with `shown`.
        margin: delta.
        level: one-sided error level.
        changes: the counts.
        score: Tango's score in the direction of the claim.
        critical: score from which the claim is shown; None where no outcome shows it.
    """

    claim: Claim
    shown: bool
    estimate: float
    limit: float
    margin: float
    level: float
    changes: Changes
    score: float
    critical: float | None


def count_changes(defended: Sequence[bool | None], undefended: Sequence[bool | None], claim: Claim) -> Changes:
    """Count paired scores, a missing one (None, NaN or NA) against the claim.

    For noninferior it counts wrong for M* and right for M, for inferior the reverse; nothing is dropped.

    Args:
        defended: whether M* is right, per item.
        undefended: whether M is right, on the same items.
        claim: the claim that the counts are for.

    Raises:
        ValueError: no items, unequal lengths, other values than these, or an unknown claim.

    >>> count_changes([True, None, True], [False, True, True], "noninferior")
    Changes(gains=1, losses=1, items=3)
    >>> count_changes([True, None, True], [False, True, True], "inferior")
    Changes(gains=1, losses=0, items=3)
    """
    one_of("claim", claim, Claim)
    same_length(defended, undefended, ("items of M*", "items of M"))
    missing_after = claim == "inferior"
    after = [missing_after if value is None else value for value in read_flags(defended)]
    before = [not missing_after if value is None else value for value in read_flags(undefended)]
    pairs = list(zip(after, before, strict=True))
    return Changes(
        gains=sum(a and not b for a, b in pairs), losses=sum(b and not a for a, b in pairs), items=len(pairs)
    )


def compare_rates(changes: Changes, *, margin: float, level: float, claim: Claim) -> RateComparison:
    """Tango's score test of a difference of paired rates, with its exact unconditional critical value.

    Inferior is the test with gains and losses exchanged and the margin negated. The limit inverts the score
    with the critical value at the margin, so that limit and claim agree; it is never of zero width.

    Args:
        changes: paired counts, missing items already counted (`count_changes`).
        margin: delta, between -1 and 1.
        level: one-sided error level.
        claim: noninferior (D > -margin) or inferior (D < -margin).
    """
    one_of("claim", claim, Claim)
    sign = 1 if claim == "noninferior" else -1
    gains, losses = (changes.gains, changes.losses)[::sign]
    critical = critical_score(changes.items, sign * margin, level)
    score = float(tango_score(gains, losses, changes.items, -sign * margin))
    return RateComparison(
        claim=claim,
        shown=critical is not None and score >= critical - TIE,
        estimate=(changes.gains - changes.losses) / changes.items,
        limit=sign * lower_score_limit(gains, losses, changes.items, critical),
        margin=margin,
        level=level,
        changes=changes,
        score=score,
        critical=critical,
    )
