"""Losses on whole texts: the prompt counts, and, as in some published code, the padding behind the text."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import torch
from torch.nn.functional import pad

from titer.errors import InputError
from titer.models.chat_format import Example, pad_batch, pad_token
from titer.models.subject import Subject
from titer.training.sft import Counting, LossBatch, next_is


def count_padded(length: int) -> Counting:
    """Counts all tokens of a text but the first, and those that fill it up to a length; longer texts are cut."""
    return partial(_count, length)


def _count(length: int, subject: Subject, examples: Sequence[Example], batch: int) -> list[LossBatch]:
    if length > subject.context_length:
        problem = f"{length} tokens do not fit the subject's context of {subject.context_length}"
        raise InputError("padding_counts", problem, "Lower it, or leave it out.")
    cut = [Example(one.ids[:length], one.mask[:length]) for one in examples]
    return [_filled(subject, cut[start : start + batch], length) for start in range(0, len(cut), batch)]


def _filled(subject: Subject, examples: Sequence[Example], length: int) -> LossBatch:
    """The examples as one batch of that length; padding is not attended to."""
    filler = pad_token(subject.tokenizer)
    own = pad_batch(examples, filler, subject.device)
    missing = (0, length - own.ids.shape[1])
    ids, attention = pad(own.ids, missing, value=filler), pad(own.attention, missing)
    response, read = int(own.mask[:, 1:].sum()), int(own.attention[:, 1:].sum())
    parts = {"prompt": read - response, "response": response, "padding": ids[:, 1:].numel() - read}
    return LossBatch(ids, attention, next_is(torch.ones_like(ids[:, 1:], dtype=torch.bool)), 0, parts)
