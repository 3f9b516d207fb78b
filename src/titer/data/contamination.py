"""The audit of the splits: which of those that must share nothing share rows, or nearly the same rows."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from titer.data.near_duplicates import WordSet, candidates, near, normalized, words
from titer.data.readers import rows
from titer.data.splits import Overlap, Part, Splits
from titer.errors import InputError
from titer.protocol.schema import Protocol
from titer.records import Row

_FED = frozenset({"defend", "prepare", "sham", "attack", "select"})
"""Splits that training or a search has seen: no domain's probe may ask what they hold."""

Spot = tuple[int, int]
"""A row by the number of its part and its place in it."""
Apart = Callable[[Part, Part], bool]
"""Whether two parts must not share a row of some kind."""


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
    A harmless prompt may be nearly a harmful one, as over-refusal asks it to be, unless the one is trained on and the
    other asked.

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


def misplaced(protocol: Protocol, splits: Splits) -> tuple[Overlap, ...]:
    """Rows that by their prompt belong to a harm domain that their split must know nothing of.

    Splits that share no row can still be of one category, as where two parts of a protocol read one source and no
    `where` tells them apart. So every harmless row, and every row that a defense is fed, is looked up among all rows
    that the source of a domain has: of any domain for the former, of a cross domain for the latter.

    Returns:
        One record per split and domain: how many of its rows have a prompt of the domain (`domain/NAME`), with the
        ids of an example.

    Raises:
        InputError: if a source cannot be read.
    """
    found = []
    for index, domain in enumerate(protocol.harm.domain):
        known = {normalized(raw.prompt): raw.id for raw in rows(domain, f"harm.domain.{index}", domain.required)}
        for part in splits.parts:
            if _is_harmful(part) and not (domain.role == "cross" and part.split == "defend"):
                continue
            here = [row for row in part.rows if normalized(row.prompt) in known]
            if here:
                example = (here[0].id, known[normalized(here[0].prompt)])
                name = f"domain/{domain.name}"
                found.append(Overlap(first=part.name, second=name, exact=len(here), near=0, example=example))
    return tuple(found)


def trap(shared: Overlap) -> str:
    """The name of the fault that it is when these two splits share rows.

    >>> trap(Overlap(first="benign/sham", second="domain/codes/attack", exact=1, near=0))
    'harmful rows in the harmless set'
    """
    one, other = (name.split("/") for name in (shared.first, shared.second))
    if (one[0] == "domain") != (other[0] == "domain"):
        return "harmful rows in the harmless set"
    if one[0] == "domain" and "defend" in (one[-1], other[-1]):
        if "attack" in (one[-1], other[-1]):
            return "attack set inside the defense set"
        if one[1] != other[1]:
            return "a domain not held out from the defense"
    return "splits that must differ share rows"


def check_disjoint(overlaps: Sequence[Overlap]) -> None:
    """Refuse splits that share rows, which would make the verdict void.

    Raises:
        InputError: naming the first two splits that do.
    """
    for shared in overlaps:
        raise InputError(
            f"{shared.first}, {shared.second}",
            f"{trap(shared)}: these splits share {shared.exact + shared.near} rows, {shared.exact} of them exactly",
            "Name a group column, take them from sources that differ, or tell them apart by `where`; `titer plan` "
            "lists all.",
        )


def _record(parts: Sequence[Part], names: tuple[str, str], pair: _Found) -> Overlap:
    second, first = next(iter((pair.exact or pair.near).items()))
    example = (parts[first[0]].rows[first[1]].id, parts[second[0]].rows[second[1]].id)
    return Overlap(first=names[0], second=names[1], exact=len(pair.exact), near=len(pair.near), example=example)


def _must_differ(one: Part, other: Part) -> bool:
    """Whether two parts may share no prompt.

    Such are the splits of one owner; what is harmful and what is harmless; what a defense is fed and every split of
    another domain, which may be attacked as one that it never saw; and what else is fed and what is asked.
    """
    if one.name == other.name:
        return False
    if one.owner == other.owner or _is_harmful(one) != _is_harmful(other):
        return True
    if not _is_harmful(one) or one.split == other.split:
        return False
    return "defend" in (one.split, other.split) or _asks_what_is_fed(one, other)


def _must_not_be_near(one: Part, other: Part) -> bool:
    """Whether two parts may not share nearly the same prompts either."""
    mixed = _is_harmful(one) != _is_harmful(other)
    return _must_differ(one, other) and (not mixed or _asks_what_is_fed(one, other))


def _is_harmful(part: Part) -> bool:
    return part.owner.startswith("domain/")


def _asks_what_is_fed(one: Part, other: Part) -> bool:
    """Whether the one is the probe of a domain, and the other what training or a search has seen."""
    asked = any(_is_harmful(part) and part.split == "probe" for part in (one, other))
    return asked and any(not part.owner.startswith("task/") and part.split in _FED for part in (one, other))


def _pairs(
    parts: Sequence[Part], some: Sequence[Spot], others: Sequence[Spot], apart: Apart
) -> Iterator[tuple[Spot, Spot]]:
    """Every row of `some` with every row of `others` whose parts must be apart, in the order of their names."""
    for (one, mine), (other, theirs) in itertools.product(_by_part(some).items(), _by_part(others).items()):
        if apart(parts[one], parts[other]):
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
        yield from _pairs(parts, spots, spots, _must_differ)


def _alike(parts: Sequence[Part]) -> Iterator[tuple[Spot, Spot]]:
    by_group: defaultdict[tuple[str, str], list[Spot]] = defaultdict(list)
    by_words: defaultdict[WordSet, list[Spot]] = defaultdict(list)
    for spot, part, row in _rows(parts):
        if part.grouping is not None:
            by_group[part.grouping, row.group].append(spot)
        elif bag := words(row.prompt):
            by_words[bag].append(spot)
    for spots in (*by_group.values(), *by_words.values()):
        yield from _pairs(parts, spots, spots, _must_not_be_near)
    sets = list(by_words)
    for here, found in candidates(sets):
        for there in found:
            if near(sets[here], sets[there]):
                yield from _pairs(parts, by_words[sets[here]], by_words[sets[there]], _must_not_be_near)
