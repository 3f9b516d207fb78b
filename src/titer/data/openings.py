"""The first words of a reference that tell nothing: how an answer may be made to begin without being given away."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from os.path import commonprefix

from titer.data.near_duplicates import normalized
from titer.records import Item

_WORD = re.compile(r"\S+")
COMMON = 0.1
"""The share of groups above which a word of their prompts belongs to a phrasing."""
Words = tuple[str, ...]


def begun(items: Sequence[Item], words: int) -> tuple[Item, ...]:
    """The items, each with the beginning of its own reference that its answer is to be made to begin with.

    That is the first `words` words, as far as the references of all other groups begin so, too: where any two of them
    part, the answer may begin. So the prompt and the other references tell all of it, and its own reference no more
    than how much of that holds. Where the whole of it is as all others begin, nothing shows where the answer begins,
    and nothing is given. An item with nothing to give is left.

    What is asked about has another name in each: the first name in a prompt stands for the first one in any other, and
    so on. Names are those words of a prompt that no other group has in its own, or no more than a tenth of all groups.

    >>> capitals = {"Peru": "Lima", "Chad": "Ndjamena", "Togo": "Lome"}
    >>> asked = [
    ...     Item(id=land, group=land, prompt=f"Where is {land} ruled?", reference=f"The capital of {land} is {city}.")
    ...     for land, city in capitals.items()
    ... ]
    >>> [item.begun for item in begun(asked, 10)]
    ['The capital of Peru is', 'The capital of Chad is', 'The capital of Togo is']
    """
    told = list(_told(items))
    others: dict[str, Words] = {}
    for group in {item.group for item in items}:
        beside = [own for item, own in zip(items, told, strict=True) if own and item.group != group]
        others[group] = tuple(commonprefix(beside))
    return tuple(_begun(item, own, others[item.group], words) for item, own in zip(items, told, strict=True))


def _begun(item: Item, own: Words, others: Words, words: int) -> Item:
    shared = len(commonprefix([own, others]))
    length = min(words, shared)
    if item.reference is None or length == 0 or shared == len(own):
        return item
    end = list(_WORD.finditer(item.reference))[length - 1].end()
    return item.model_copy(update={"begun": item.reference[:end].lstrip()})


def _told(items: Sequence[Item]) -> Iterator[Words]:
    """The words of each reference, with the number of each name of its prompt, after a space, in the place of that."""
    groups = {(item.group, word) for item in items for word in _plain(item.prompt)}
    having, most = Counter(word for _, word in groups), max(1, len({item.group for item in items}) * COMMON)
    for item in items:
        names = [word for word in dict.fromkeys(_plain(item.prompt)) if having[word] <= most]
        yield tuple(f" {names.index(word)}" if word in names else word for word in _plain(item.reference or ""))


def _plain(text: str) -> list[str]:
    return [normalized(word) or word for word in text.split()]
