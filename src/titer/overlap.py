"""The audit of the splits: which of those that must share nothing share rows, or nearly the same rows."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from titer.findings import Overlap
from titer.groups import Words, candidates, near, normalized, words
from titer.records import Row
from titer.splits import Part, Splits

_FED = frozenset({"defend", "prepare", "sham", "attack", "select"})
"""Splits that training or a search has seen: no domain's probe may ask what they hold."""

Spot = tuple[int, int]
"""A row by the number of its part and its place in it."""


@dataclass
class _Found:
    """What two splits share: rows of the second, each with a row of the first."""

    exact: dict[Spot, Spot] = field(default_factory=dict)
    near: dict[Spot, Spot] = field(default_factory=dict)


def audit(splits: Splits) -> tuple[Overlap, ...]:
    """Compare every two splits that must be disjoint, and report those that are not.

    Rows are the same if their normalized prompts are. They are nearly the same if they are one group, where both
    splits come from one source with one group column, or if their word sets are near, where neither names a group
    column: a named column decides what is one item, so that a template which many prompts share is no overlap.

    Returns:
        One record per pair with an overlap: how many rows of the second split are in the first, and how many more
        nearly, with the ids of an example.
    """
    parts = splits.parts
    found: defaultdict[tuple[str, str], _Found] = defaultdict(_Found)
    for first, second in _same(parts):
        found[parts[first[0]].name, parts[second[0]].name].exact.setdefault(second, first)
    for first, second in _alike(parts):
        pair = found[parts[first[0]].name, parts[second[0]].name]
        if second not in pair.exact:
            pair.near.setdefault(second, first)
    return tuple(_record(parts, names, pair) for names, pair in sorted(found.items()))


def _record(parts: Sequence[Part], names: tuple[str, str], pair: _Found) -> Overlap:
    second, first = next(iter((pair.exact or pair.near).items()))
    example = (parts[first[0]].rows[first[1]].id, parts[second[0]].rows[second[1]].id)
    return Overlap(first=names[0], second=names[1], exact=len(pair.exact), near=len(pair.near), example=example)


def _must_differ(one: Part, other: Part) -> bool:
    """Whether two parts must share nothing: the splits of one owner, and what was fed against what is probed."""
    if one.name == other.name:
        return False
    if one.owner == other.owner:
        return True
    probed = any(part.owner.startswith("domain/") and part.split == "probe" for part in (one, other))
    fed = any(not part.owner.startswith("task/") and part.split in _FED for part in (one, other))
    return probed and fed


def _pairs(parts: Sequence[Part], some: Sequence[Spot], others: Sequence[Spot]) -> Iterator[tuple[Spot, Spot]]:
    """Every row of `some` with every row of `others` whose parts must differ, in the order of their names."""
    for (one, mine), (other, theirs) in itertools.product(_by_part(some).items(), _by_part(others).items()):
        if _must_differ(parts[one], parts[other]):
            first, second = (mine, theirs) if parts[one].name < parts[other].name else (theirs, mine)
            yield from itertools.product(first, second)


def _by_part(spots: Sequence[Spot]) -> dict[int, list[Spot]]:
    found: dict[int, list[Spot]] = {}
    for spot in spots:
        found.setdefault(spot[0], []).append(spot)
    return found


def _rows(parts: Sequence[Part]) -> Iterator[tuple[Spot, Part, Row]]:
    for number, part in enumerate(parts):
        for place, row in enumerate(part.rows):
            yield (number, place), part, row


def _same(parts: Sequence[Part]) -> Iterator[tuple[Spot, Spot]]:
    by_prompt: defaultdict[str, list[Spot]] = defaultdict(list)
    for spot, _, row in _rows(parts):
        by_prompt[normalized(row.prompt)].append(spot)
    for spots in by_prompt.values():
        yield from _pairs(parts, spots, spots)


def _alike(parts: Sequence[Part]) -> Iterator[tuple[Spot, Spot]]:
    by_group: defaultdict[tuple[str, str], list[Spot]] = defaultdict(list)
    by_words: defaultdict[Words, list[Spot]] = defaultdict(list)
    for spot, part, row in _rows(parts):
        if part.grouping is not None:
            by_group[part.grouping, row.group].append(spot)
        elif bag := words(row.prompt):
            by_words[bag].append(spot)
    for spots in (*by_group.values(), *by_words.values()):
        yield from _pairs(parts, spots, spots)
    sets = list(by_words)
    for here, found in candidates(sets):
        for there in found:
            if near(sets[here], sets[there]):
                yield from _pairs(parts, by_words[sets[here]], by_words[sets[there]])
