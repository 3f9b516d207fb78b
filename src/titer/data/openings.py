"""The first words of a reference that tell nothing: how an answer may be made to begin without being given away."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from os.path import commonprefix

from titer.data.near_duplicates import EDGES, normalized
from titer.records import Item

_WORD = re.compile(r"\S+")
COMMON = 0.1
"""The share of groups above which a word of their prompts belongs to a phrasing."""
Words = tuple[str, ...]


def begun(items: Sequence[Item], words: int) -> tuple[Item, ...]:
    """The items, each with the beginning of its own reference that its answer is to be made to begin with.

    That is the first `words` words, as far as the references of all other groups begin so, too: where any two of them
    part, the answer may begin. So the prompt and the other references tell all of it, to the letter, and its own
    reference no more than how much of that holds. Where the whole of any of these references would be given, nothing
    shows where the answer begins, and nothing is given. An item with nothing to give is left.

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
    if words == 0:
        return tuple(items)
    told = list(_told(items))
    others = {
        group: [own for item, own in zip(items, told, strict=True) if own and item.group != group]
        for group in {item.group for item in items}
    }
    return tuple(_begun(item, own, others[item.group], words) for item, own in zip(items, told, strict=True))


def _begun(item: Item, own: Words, others: Sequence[Words], words: int) -> Item:
    shared = len(commonprefix([own, *others]))
    whole = min(map(len, (own, *others)))
    if item.reference is None or shared in (0, whole):
        return item
    end = list(_WORD.finditer(item.reference))[min(words, shared) - 1].end()
    return item.model_copy(update={"begun": item.reference[:end].lstrip()})


def _told(items: Sequence[Item]) -> Iterator[Words]:
    """The words of each reference; in those that are a name of its prompt the number of that, in spaces, for it."""
    groups = {(item.group, normalized(word)) for item in items for word in _plain(item.prompt)}
    having, most = Counter(word for _, word in groups), max(1, len({item.group for item in items}) * COMMON)
    for item in items:
        names = [word for word in dict.fromkeys(_plain(item.prompt)) if having[normalized(word)] <= most]
        yield tuple(_told_word(word, names) for word in _WORD.findall(item.reference or ""))


def _told_word(word: str, names: Sequence[str]) -> str:
    (plain,) = _plain(word)
    return word.replace(plain, f" {names.index(plain)} ") if plain in names else word


def _plain(text: str) -> list[str]:
    """The words of a text without the punctuation around them."""
    return [word.strip(EDGES) or word for word in _WORD.findall(text)]
