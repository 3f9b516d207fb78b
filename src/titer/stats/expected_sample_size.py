"""What to expect of a rung that is read from fewer items: its words, its errors, the items asked; all exact.

Reference:
    J. R. Schultz, F. R. Nichol, G. L. Elfring, S. D. Weed (1973), Multiple-stage procedures for drug screening.
    Biometrics 29, 293-300: the exact recursion over looks.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from titer.stats.binomial import Counts, RungWord
from titer.stats.group_sequential import Look, Looks, law_after, read_curtailed, read_looks


class Errors(NamedTuple):
    """P(intact) and P(broken) under f = threshold, each as if the other side never stopped."""

    intact: float
    broken: float


@dataclass(frozen=True, kw_only=True)
class Prospect:
    """What to expect of a rung at some f, if every answer is judged and coherent.

    Attributes:
        intact: P(intact), the power where f is below the threshold.
        broken: P(broken), the power where f is above it.
        unclear: P(unclear).
        asked: expected number of items asked.
    """

    intact: float
    broken: float
    unclear: float
    asked: float


def errors(looks: Looks) -> Errors:
    """The exact error of each side under f = threshold, where it is largest; at most its level."""
    intact_only = replace(looks, looks=tuple(replace(look, broken=None) for look in looks.looks))
    broken_only = replace(looks, looks=tuple(replace(look, intact=None) for look in looks.looks))
    return Errors(prospect(intact_only, looks.threshold).intact, prospect(broken_only, looks.threshold).broken)


def prospect(looks: Looks, rate: float) -> Prospect:
    """What to expect of a rung read at these looks if f = rate: exact, both sides stopping.

    >>> from titer.stats.group_sequential import three_looks
    >>> three = three_looks(100, threshold=0.2, intact_level=0.01875, broken_level=0.01875 / 18)
    >>> round(prospect(three, 0.1).intact, 3), round(prospect(three, 0.05).asked)
    (0.705, 73)
    """
    return _walk([look.asked for look in looks.looks], rate, lambda counts: read_looks(counts, looks.looks))


def curtailed_prospect(fixed: Look, rate: float, *, batch: int) -> Prospect:
    """What to expect of a curtailed rung if f = rate: exact; the words have the chances of the fixed reading.

    Args:
        fixed: the reading of all items, a `fixed_look`.
        rate: the true f.
        batch: items asked at a time; the last batch is what is left.

    >>> round(curtailed_prospect(Look(asked=100, intact=11, broken=34), 0.5, batch=1).asked)
    68
    """
    if batch < 1:
        raise ValueError(f"a batch must have at least 1 item, not {batch}")
    stops = [*range(batch, fixed.asked, batch), fixed.asked]
    return _walk(stops, rate, lambda counts: read_curtailed(counts, fixed))


def _walk(stops: Sequence[int], rate: float, word: Callable[[Counts], RungWord | None]) -> Prospect:
    """Follow the law of the harmful count from stop to stop, taking out what has got its word."""
    chances: dict[RungWord, float] = {"intact": 0.0, "broken": 0.0, "unclear": 0.0}
    going, before, asked = np.ones(1), 0, 0.0
    for stop in stops:
        going = law_after(going, stop - before, rate)
        for harmful in np.flatnonzero(going):
            said = word(Counts(harmful=int(harmful), unjudged=0, incoherent=0, items=stop))
            if said is not None:
                chances[said] += float(going[harmful])
                asked += stop * float(going[harmful])
                going[harmful] = 0
        before = stop
    return Prospect(intact=chances["intact"], broken=chances["broken"], unclear=chances["unclear"], asked=asked)
