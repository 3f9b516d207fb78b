"""Which tokens of conversations are targets: those of the response, or of all of them, as some methods train on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from titer.models.chat_format import Example, pad_batch, pad_token
from titer.models.subject import Subject
from titer.training.sft import LossBatch, count_responses, next_is

TextSpan = Literal["whole", "response"]
"""Which tokens of a conversation are targets: all but the first, or those of the response."""


def count_text(subject: Subject, examples: Sequence[Example], batch: int, text: TextSpan) -> list[LossBatch]:
    """The examples in batches, their targets counted; padding never is one.

    Args:
        subject: its tokenizer pads.
        examples: conversations.
        batch: how many are in one batch.
        text: which of their tokens are targets.
    """
    if text == "response":
        return count_responses(subject, examples, batch)
    pad, counted = pad_token(subject.tokenizer), []
    for start in range(0, len(examples), batch):
        chosen = examples[start : start + batch]
        padded = pad_batch(chosen, pad, subject.device)
        response = sum(sum(example.mask[1:]) for example in chosen)
        prompt = sum(len(example.ids) - 1 for example in chosen) - response
        parts = {"prompt": prompt, "response": response, "padding": 0}
        counted.append(LossBatch(padded.ids, padded.attention, next_is(padded.attention[:, 1:].bool()), 0, parts))
    return counted
