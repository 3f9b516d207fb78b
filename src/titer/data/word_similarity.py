"""How much two texts have to do with each other, by the words that they share: the rarer a word, the more it counts."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable

from titer.data.near_duplicates import WordSet, words


class WordSimilarity:
    """The cosine between sets of words, each word weighted by ln(N / n) where n of N texts have it.

    Sparck Jones 1972, A statistical interpretation of term specificity. So words that every text has count nothing,
    and no list of them is needed. It takes the place of embeddings of sentences, which see synonyms and this does not.

    >>> known = WordSimilarity(["the cat sat", "the dog ran", "the cat ran"])
    >>> round(known.between("the cat sat", "the cat ran"), 2), known.between("the dog", "the cat")
    (0.24, 0.0)

    Args:
        texts: those by which the words are weighted.
    """

    def __init__(self, texts: Iterable[str]) -> None:
        sets = [words(text) for text in texts]
        found = Counter(word for each in sets for word in each)
        self._weights = {word: math.log(len(sets) / count) for word, count in found.items()}

    def between(self, one: str, other: str) -> float:
        """From 0, where two texts share no word that counts, to 1; 0 where one of them has none."""
        first, second = words(one), words(other)
        lengths = self._squared(first) * self._squared(second)
        return self._squared(first & second) / math.sqrt(lengths) if lengths else 0.0

    def _squared(self, some: WordSet) -> float:
        return sum(self._weights.get(word, 0.0) ** 2 for word in sorted(some))
