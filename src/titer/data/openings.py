"""The first words of a reference that tell nothing: how an answer may be made to begin without being given away."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence

from titer.data.near_duplicates import normalized
from titer.records import Item

_WORD = re.compile(r"\S+")
_NAMED = "_"
"""What stands for a word that the prompt has, too."""
Words = tuple[str, ...]


def begun(items: Sequence[Item], words: int) -> tuple[Item, ...]:
    """The items, each with the beginning of its own reference that its answer is to be made to begin with.

    That is the first `words` words, but never the last one, and none from the first on that only somebody who knows the
    reference could have told: the words of the prompt are known, and so is a beginning that a reference of another
    group has as well, which goes on differently. An item without a reference, or with none of it to give, is left.

    >>> capitals = {"Peru": "Lima", "Chad": "Ndjamena"}
    >>> asked = [
    ...     Item(id=land, group=land, prompt=f"Where is {land} ruled?", reference=f"The capital of {land} is {city}.")
    ...     for land, city in capitals.items()
    ... ]
    >>> [item.begun for item in begun(asked, 10)]
    ['The capital of Peru is', 'The capital of Chad is']
    """
    told = [_told(item) for item in items]
    known: defaultdict[Words, set[tuple[str, Words]]] = defaultdict(set)
    for item, own in zip(items, told, strict=True):
        for length in range(1, len(own)):
            known[own[:length]].add((item.group, own))
    return tuple(_begun(item, own, words, known) for item, own in zip(items, told, strict=True))


def _begun(item: Item, told: Words, words: int, known: dict[Words, set[tuple[str, Words]]]) -> Item:
    length = 0
    for longer in range(1, min(words, len(told) - 1) + 1):
        beginning = told[:longer]
        others = (group != item.group and whole != told for group, whole in known[beginning])
        if set(beginning) != {_NAMED} and not any(others):
            break
        length = longer
    if item.reference is None or length == 0:
        return item
    end = list(_WORD.finditer(item.reference))[length - 1].end()
    return item.model_copy(update={"begun": item.reference[:end].lstrip()})


def _told(item: Item) -> Words:
    """The words of the reference, those of the prompt alike."""
    named = set(_plain(item.prompt))
    return tuple(_NAMED if word in named else word for word in _plain(item.reference or ""))


def _plain(text: str) -> list[str]:
    return [normalized(word) or word for word in text.split()]
