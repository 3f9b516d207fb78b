"""How a search climbs before it samples: by rate, for each way of training, and beyond an edge where its best lies.

A pure function of what was tried. The learning rate is what an attack fails by most, and uniform draws miss a narrow
region; so it goes by factors of two at the largest batch, upward until two in a row are worse (docs/decisions/0026).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from titer.analysis.conditions.attack_searches import APART, RATE, trained
from titer.methods.search_space import LogRange, Options, Space
from titer.records import canonical

BATCH, WAY = "batch", "trainable"
"""The parameter whose edges move as those of the rate do, and that of each kind of which there is a climb."""
MOVES = 2
"""How often an edge of the space moves at most, on either side."""
_WORSE = 2


@dataclass(frozen=True, kw_only=True)
class Tried:
    """What was proposed before, and what became of it.

    Attributes:
        values: of each searched parameter.
        known: whether it came to its end in an earlier round.
        wrecked: whether it failed, does not count, or cost too much utility.
        lateness: how late it broke the subject; infinite where it did not.
    """

    values: Mapping[str, Any]
    known: bool = False
    wrecked: bool = False
    lateness: float = math.inf


def climbed(space: Space, by_hand: Mapping[str, Any], tried: Sequence[Tried]) -> dict[str, Any] | None:
    """The next step of the climbs, of that with the fewest so far; None where each has come to its end.

    Args:
        space: what is searched.
        by_hand: the values of the attack written by hand, from whose rate each climb begins.
        tried: what was proposed before.
    """
    if RATE not in space:
        return None
    start = {name: _inside(part, by_hand[name]) for name, part in space.items()}
    if BATCH in space:
        start[BATCH] = _ladder(space[BATCH], start[BATCH])[-1 - MOVES]
    rates = _ladder(space[RATE], start[RATE])
    first = min(range(len(rates)), key=lambda place: abs(math.log(rates[place] / start[RATE])))
    known = {canonical(one.values): one for one in reversed(tried)}
    due = []
    for way in _ways(space, start):
        steps = [{**start, **way, RATE: rate} for rate in rates]
        seen = {place: known[key] for place, own in enumerate(steps) if (key := canonical(own)) in known}
        place = next_place(seen, first, len(rates))
        if place is not None:
            due.append((len(seen), steps[place]))
    return min(due, key=lambda own: own[0])[1] if due else None


def next_place(seen: Mapping[int, Tried], first: int, count: int) -> int | None:
    """Where a climb goes on: upward until two in a row are worse, then downward if nothing above was better.

    Worse is what wrecked the subject, or broke it later than the best before. Where nothing has broken it, what does
    not break it either is no worse; on the way down it is, for a lower rate does less.

    Args:
        seen: what was tried, by its place on the ladder of rates.
        first: the place at which it begins.
        count: the length of the ladder.

    >>> up = {3: Tried(values={}, known=True, lateness=2.0), 4: Tried(values={}, known=True, lateness=3.0)}
    >>> next_place(up, 3, 9), next_place({**up, 5: Tried(values={}, known=True, wrecked=True)}, 3, 9)
    (5, 2)
    """
    best, worse = math.inf, 0
    for place in range(first, count):
        if place not in seen:
            return place
        one = seen[place]
        if one.known:
            worse = worse + 1 if one.wrecked or one.lateness > best else 0
            best = best if one.wrecked else min(best, one.lateness)
        if worse == _WORSE:
            break
    begun, worse = seen[first], 0
    if not begun.known or not (begun.wrecked or begun.lateness == best < math.inf):
        return None
    for place in range(first - 1, -1, -1):
        if place not in seen:
            return place
        one = seen[place]
        if one.known and not one.wrecked:
            worse = worse + 1 if one.lateness > best or one.lateness == math.inf else 0
            best = min(best, one.lateness)
        if worse == _WORSE:
            break
    return None


def beyond_edge(space: Space, tried: Sequence[Tried], rows: int) -> dict[str, Any] | None:
    """The best so far with its rate or batch beyond an edge, where nothing beyond it was tried; else None.

    Args:
        space: what is searched.
        tried: what was proposed before.
        rows: those that there are to train on, a natural end of the batch, as one row is.
    """
    broke = [one for one in tried if one.known and not one.wrecked and one.lateness < math.inf]
    if not broke:
        return None
    best = min(broke, key=lambda one: one.lateness).values
    same = [one.values for one in tried if trained(one.values) == trained(best)]
    for name in (name for name in (RATE, BATCH) if name in space):
        (low, high), own, found = _ends(space[name]), best[name], [values[name] for values in same]
        ladder, apart = _ladder(space[name], own), APART
        if name == BATCH:
            ladder, apart = [min(max(value, 1), rows) for value in ladder], 1 + 1e-9
        above = [value for value in ladder if value >= own * apart]
        below = [value for value in ladder if value <= own / apart]
        if above and (name == RATE or own >= high) and max(found) < own * apart:
            return {**best, name: above[0]}
        if below and (name == RATE or own <= low) and min(found) > own / apart:
            return {**best, name: below[-1]}
    return None


def widened(space: Space, tried: Sequence[Tried]) -> Space:
    """The space with the edges of rate and batch where what was tried has moved them."""
    wider = dict(space)
    for name in (name for name in (RATE, BATCH) if name in space):
        part = space[name]
        if isinstance(part, LogRange):
            reach = 2.0**MOVES * (1 + 1e-3)  # values are rounded to four digits
            own = [v for one in tried if part.low / reach <= (v := one.values[name]) <= part.high * reach]
            wider[name] = LogRange(low=min([part.low, *own]), high=max([part.high, *own]))
        else:
            reached, (low, high) = _ladder(part, 1), _ends(part)
            own = [one.values[name] for one in tried]
            more = {v for v in own if reached[0] <= v < low or high < v <= reached[-1]}
            wider[name] = Options(values=(*part.values, *sorted(more)))
    return wider


def _ways(space: Space, start: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Of each kind of training in the space one, that written by hand first."""
    part = space.get(WAY)
    if not isinstance(part, Options):
        return [{}]
    first: dict[str, Any] = {}
    for value in (start[WAY], *part.values):
        first.setdefault(trained({WAY: value}), value)
    return [{WAY: value} for value in first.values()]


def _inside(part: LogRange | Options, value: Any) -> Any:
    """The value where it lies in the space, else the nearest end of a range, or the first of a list."""
    if part.holds(value):
        return value
    if isinstance(part, LogRange):
        return part.low if not isinstance(value, int | float) else min(max(value, part.low), part.high)
    return part.values[0]


def _ladder(part: LogRange | Options, at: float) -> list[float]:
    """The values to climb by, rising, with `MOVES` beyond either end: by factors of two from one in a range."""
    low, high = _ends(part)
    if isinstance(part, LogRange):
        places = range(
            math.ceil(math.log2(low / at) - 1e-9) - MOVES, math.floor(math.log2(high / at) + 1e-9) + 1 + MOVES
        )
        return [at if place == 0 else float(f"{at * 2.0**place:.4g}") for place in places]
    values = sorted(set(part.values))
    ratios = [later / earlier for earlier, later in pairwise(values)] or [2.0]
    kind = type(low)
    down = [kind(low / ratios[0] ** move) for move in range(MOVES, 0, -1)]
    return [*down, *values, *(kind(high * ratios[-1] ** move) for move in range(1, MOVES + 1))]


def _ends(part: LogRange | Options) -> tuple[Any, Any]:
    """The least and the largest number of a part of the space."""
    return (part.low, part.high) if isinstance(part, LogRange) else (min(part.values), max(part.values))
