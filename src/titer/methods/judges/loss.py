"""The loss of a given answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from titer.methods.judges.text_judge import paired
from titer.methods.measurement import Judge
from titer.records import Answer, Item, Kind, Score


class Loss(Judge):
    """The mean loss of the item's single option, in nats per token."""

    name: ClassVar[str] = "loss"
    kind: ClassVar[Kind] = "loss"

    def judge(self, items: Sequence[Item], answers: Sequence[Answer]) -> tuple[Score, ...]:
        """One reading per answer, in order."""
        return tuple(_read(item, answer) for item, answer in paired(items, answers))


def _read(item: Item, answer: Answer) -> Score:
    if answer.option_nats is None or answer.option_tokens is None:
        return Score(item=item.id, value=None, missing="the answer has no log-likelihoods")
    if not len(answer.option_nats) == len(answer.option_tokens) == 1:
        return Score(item=item.id, value=None, missing="a loss needs exactly one option")
    if answer.option_tokens[0] < 1:
        return Score(item=item.id, value=None, missing="the option has no tokens")
    return Score(item=item.id, value=-answer.option_nats[0] / answer.option_tokens[0])
