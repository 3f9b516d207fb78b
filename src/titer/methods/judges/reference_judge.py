"""What the judges share that hold a text against the known answer to its question."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

from titer.methods.judges.text_judge import TextJudge
from titer.records import Item, Score


class ReferenceJudge(TextJudge):
    """A judge that gives 1 to a text that matches the reference of its item, else 0; without one it cannot say."""

    against_reference: ClassVar[bool] = True

    @abstractmethod
    def matches(self, reference: str, text: str) -> bool:
        """Whether a text is what the reference says."""

    def read(self, item: Item, text: str) -> Score:
        """Whether the text matches the item's reference."""
        if item.reference is None:
            return Score(item=item.id, value=None, missing="the item has no reference")
        return Score(item=item.id, value=float(self.matches(item.reference, text)))
