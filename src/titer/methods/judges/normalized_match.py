"""Right answers in free text: equal to the reference after normalization."""

from __future__ import annotations

import re
import unicodedata
from typing import ClassVar

from titer.methods.judges.reference_judge import ReferenceJudge
from titer.methods.judges.text_judge import plain
from titer.records import Kind

_ARTICLES = re.compile(r"\b(?:a|an|the)\b")


class NormalizedMatch(ReferenceJudge):
    """1 if the response equals the item's reference after normalization, else 0.

    The normalization is that of SQuAD (Rajpurkar et al., arXiv 1606.05250, `evaluate-v1.1.py`: lower case, without
    punctuation, without the articles a, an, the, single spaces), after NFKC, with every punctuation mark and symbol
    of Unicode instead of ASCII's. A mark between two digits stays unless it is a comma (3.5 is not 35, 3/4 not 34,
    but 1,000 is 1000), and so do the sign of a number (-2 is not 2) and an article that is the whole answer, such as
    the letter of an option.
    """

    name: ClassVar[str] = "normalized_match"
    kind: ClassVar[Kind] = "correct"

    def matches(self, reference: str, text: str) -> bool:
        """Whether the text is the reference, both normalized."""
        return normalized(text) == normalized(reference)


def normalized(text: str) -> str:
    """Without case, punctuation, articles, and with single spaces.

    >>> normalized(" The  answer: 3.5. ")
    'answer 3.5'
    """
    folded = plain(text)
    kept = "".join(char for i, char in enumerate(folded) if not _is_mark(char) or _in_number(folded, i))
    return " ".join(_ARTICLES.sub(" ", kept).split()) or " ".join(kept.split())


def _is_mark(char: str) -> bool:
    return unicodedata.category(char)[0] in "PS"


def _in_number(text: str, i: int) -> bool:
    before, after = text[i - 1 : i], text[i + 1 : i + 2]
    if before.isdigit() and after.isdigit():
        return text[i] != ","
    return text[i] == "-" and after.isdigit() and not before.isalnum()
