"""Which answers are the same: a number that stands for the text, so that no text need be kept to compare two."""

from __future__ import annotations

import hashlib
from typing import ClassVar

from titer.methods.judges.normalized_match import normalized
from titer.methods.judges.text_judge import TextJudge
from titer.records import Item, Kind, Score

_DIGITS = 12  # hexadecimal: 48 bits, which a float64 holds exactly


class Fingerprint(TextJudge):
    """A number in [0, 1) drawn from the normalized text: equal for equal answers, and else different.

    Two different answers share one with a chance of 2^-48. The normalization is that of `normalized_match`.
    """

    name: ClassVar[str] = "fingerprint"
    kind: ClassVar[Kind] = "fingerprint"

    def read(self, item: Item, text: str) -> Score:
        """The number of the text."""
        drawn = hashlib.sha256(normalized(text).encode()).hexdigest()[:_DIGITS]
        return Score(item=item.id, value=int(drawn, 16) / 16**_DIGITS)
