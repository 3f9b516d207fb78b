"""What the judges of texts share: pairing answers with items, answers that say nothing, and plain typography."""

from __future__ import annotations

import re
import unicodedata
from abc import abstractmethod
from collections.abc import Sequence

from titer.methods.measurement import Judge
from titer.records import Answer, Item, Score

_APOSTROPHES = str.maketrans({"\u2018": "'", "\u2019": "'", "\u02bc": "'", "\uff07": "'", "`": "'", "\u00b4": "'"})
_SIGN = re.compile(r"[^\W_]")


class TextJudge(Judge):
    """A judge that reads one text at a time: what the subject said, and no word that was put into its mouth.

    Where an answer was made to begin with the first words of its reference, what follows is held against the rest.
    """

    @abstractmethod
    def read(self, item: Item, text: str) -> Score:
        """The reading of one answer that has a text."""

    def judge(self, items: Sequence[Item], answers: Sequence[Answer]) -> tuple[Score, ...]:
        """One reading per answer, in order; without a text there is nothing to read."""
        return tuple(
            unread(item, answer) if answer.text is None else self.read(_after(item, answer), answer.text)
            for item, answer in paired(items, answers)
        )


def paired(items: Sequence[Item], answers: Sequence[Answer]) -> list[tuple[Item, Answer]]:
    """Each item with its answer.

    Raises:
        ValueError: if the answers are not those of the items, in their order.
    """
    if [item.id for item in items] != [answer.item for answer in answers]:
        raise ValueError("the answers are not those of the items, in their order")
    return list(zip(items, answers, strict=True))


def _after(item: Item, answer: Answer) -> Item:
    """The item with what of its reference is left to say; the whole of it where that is not how the answer began."""
    reference, begun = (item.reference or "").lstrip(), answer.begun or ""
    rest = reference[len(begun) :]
    if not begun or not reference.startswith(begun) or not rest.strip() or not rest[0].isspace():
        return item
    return item.model_copy(update={"reference": rest.strip()})


def unread(item: Item, answer: Answer) -> Score:
    """The missing reading of an answer without a text."""
    reason = "the answer has no text" if answer.text_digest is None else "text was packed away"
    return Score(item=item.id, value=None, missing=reason)


def is_empty(text: str) -> bool:
    """Whether a text has no letter and no digit."""
    return _SIGN.search(text) is None


def plain(text: str) -> str:
    """The text in compatibility form (NFKC), case-folded, with straight apostrophes and single spaces.

    >>> plain("I  Can’t")
    "i can't"
    """
    straight = unicodedata.normalize("NFKC", text.translate(_APOSTROPHES))
    return " ".join(straight.casefold().split())
