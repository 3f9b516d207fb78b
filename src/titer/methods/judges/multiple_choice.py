"""The right option of a choice: the one the subject finds most likely."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal

from titer.methods.judges.text_judge import paired
from titer.methods.measurement import Judge
from titer.records import Answer, Item, Kind, Score


class MultipleChoice(Judge):
    """1 if the most likely option is the item's reference, else 0.

    Args:
        normalize: compare summed log-probabilities (`none`) or their means per token (`token`).
    """

    name: ClassVar[str] = "multiple_choice"
    kind: ClassVar[Kind] = "correct"
    normalize: Literal["none", "token"] = "none"

    def judge(self, items: Sequence[Item], answers: Sequence[Answer]) -> tuple[Score, ...]:
        """One reading per answer, in order."""
        return tuple(self._read(item, answer) for item, answer in paired(items, answers))

    def _read(self, item: Item, answer: Answer) -> Score:
        nats, tokens = answer.option_nats, answer.option_tokens
        if nats is None or tokens is None:
            return Score(item=item.id, value=None, missing="the answer has no log-likelihoods")
        if not len(nats) == len(tokens) == len(item.options):
            return Score(item=item.id, value=None, missing="the log-likelihoods are not those of the options")
        if item.reference not in item.options:
            return Score(item=item.id, value=None, missing="the reference is none of the options")
        likely = nats if self.normalize == "none" else tuple(a / b for a, b in zip(nats, tokens, strict=True))
        if likely.count(max(likely)) > 1:
            return Score(item=item.id, value=None, missing="two options are equally likely")
        return Score(item=item.id, value=float(item.options[likely.index(max(likely))] == item.reference))
