"""What makes two prompts one item: equal texts, or word sets whose Jaccard similarity is 0.8 or more."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scipy.cluster.hierarchy import DisjointSet


WordSet = frozenset[str]

# Chinese and Japanese are written without spaces: each character counts as a word.
_IDEOGRAPH = "\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
_WORD = re.compile(rf"[{_IDEOGRAPH}]|[^\W{_IDEOGRAPH}]+")
EDGES = " .,;:!?。\"'"
"""What may stand around a word."""


def normalized(text: str) -> str:
    """Letter case, width, spaces and the punctuation at both ends taken away.

    >>> normalized("  What is 3 + 4?") == normalized("what is  3 + 4")
    True
    """
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split()).strip(EDGES)


def words(text: str) -> WordSet:
    """The set of words of a text, normalized.

    >>> sorted(words("The cat, the DOG."))
    ['cat', 'dog', 'the']
    """
    return frozenset(_WORD.findall(normalized(text)))


def near(first: WordSet, second: WordSet) -> bool:
    """Whether the Jaccard similarity of two word sets is at least 0.8; never for an empty one.

    >>> near(frozenset("abcd"), frozenset("abcde")), near(frozenset("abcd"), frozenset("abce"))
    (True, False)
    """
    shared = len(first & second)
    return shared > 0 and 5 * shared >= 4 * (len(first) + len(second) - shared)


def candidates(sets: Sequence[WordSet]) -> Iterator[tuple[int, set[int]]]:
    """For each set the sets before it, by size, that may be near it: every near pair is among these few.

    Prefix filtering: with the words of each set in one global order, rarest first, two near sets share a word of
    their prefixes (Xiao et al., Efficient similarity joins for near-duplicate detection, WWW 2008, lemma 1). A set
    is compared with those not larger, so what it leaves in the index may be shorter than what it looks up: with a
    partner not smaller, n words share at least 8/9 n.
    """
    frequency = Counter(word for each in sets for word in each)
    index: defaultdict[str, list[int]] = defaultdict(list)
    for here in sorted(range(len(sets)), key=lambda i: len(sets[i])):
        size = len(sets[here])
        rarest = sorted(sets[here], key=lambda word: (frequency[word], word))
        found: set[int] = set()
        for word in rarest[: size - -(-4 * size // 5) + 1]:
            found.update(index[word])
        yield here, found
        for word in rarest[: size - -(-8 * size // 9) + 1]:
            index[word].append(here)


def link_near(links: DisjointSet[int], members: Sequence[int], texts: Sequence[str]) -> None:
    """Link the members whose texts are near: single linkage, so that chains become one group.

    Args:
        links: what is linked already; changed.
        members: the things compared.
        texts: the text of each member, in the same order.
    """
    first_with: dict[WordSet, int] = {}
    for member, text in zip(members, texts, strict=True):
        if bag := words(text):
            links.merge(member, first_with.setdefault(bag, member))
    sets, owners = list(first_with), list(first_with.values())
    from scipy.cluster.hierarchy import DisjointSet

    linked = DisjointSet(range(len(sets)))
    for here, found in candidates(sets):
        for there in found:
            if not linked.connected(here, there) and near(sets[here], sets[there]):
                linked.merge(here, there)
                links.merge(owners[here], owners[there])


def group_numbers(links: DisjointSet[int]) -> list[int]:
    """For each thing the number of its group; groups are numbered as they first appear."""
    seen: dict[int, int] = {}
    return [seen.setdefault(links[thing], len(seen)) for thing in links]
