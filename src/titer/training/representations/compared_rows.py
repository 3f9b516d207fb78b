"""Rows whose hidden states are compared with those of a reference: how they are padded, and what they count."""

from __future__ import annotations

from collections.abc import Sequence

from titer.models.chat_format import Batch, pad_batch, pad_token
from titer.models.subject import Subject
from titer.training.sft import ASKED, READ, TrainRow


def padded(subject: Subject, rows: Sequence[TrainRow]) -> Batch:
    """The rows as one batch of the subject."""
    return pad_batch([one.example for one in rows], pad_token(subject.tokenizer), subject.device)


def counted(drawn: Sequence[TrainRow], frozen: Sequence[TrainRow], *, prompts: bool) -> dict[str, int]:
    """The tokens of a step by part, those that went through the subject, and those its reference read.

    Args:
        drawn: the rows that the subject read.
        frozen: the rows that its reference read.
        prompts: whether states at prompts are compared as those of responses are.
    """
    whole = sum(len(one.example.ids) for one in drawn)
    responses = sum(sum(one.example.mask) for one in drawn)
    asked = sum(len(one.example.ids) for one in frozen)
    parts = {"prompt": whole - responses if prompts else 0, "response": responses, "padding": 0}
    return {**parts, READ: whole, ASKED: asked}
