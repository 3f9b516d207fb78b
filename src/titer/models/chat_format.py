"""Conversation and frame to tokens and loss mask: the response only, its end of turn included.

B rows of a batch   T tokens of the longest   mask True where a token belongs to the response
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from titer.boundary import reading
from titer.errors import InputError
from titer.models.conversation import SOFT, marked, opened, render, transformed
from titer.models.model_files import BROKEN
from titer.records import Frame, Item, digest

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

    from titer.models.subject import Subject

ENGINE = 1
"""Raised by hand when tokens or masks change: part of every key that rests on them."""


@dataclass(frozen=True)
class Example:
    """A conversation as tokens; `mask` is True on the tokens of the response, end of turn included."""

    ids: tuple[int, ...]
    mask: tuple[bool, ...]

    @property
    def prompt(self) -> list[int]:
        """The tokens before the response."""
        return list(self.ids[: self.mask.index(True)])

    @property
    def response(self) -> list[int]:
        """The tokens of the response."""
        return list(self.ids[self.mask.index(True) :])

    def without(self, ends: Sequence[int]) -> Example:
        """The conversation without its last token, where that is one of `ends`."""
        return Example(self.ids[:-1], self.mask[:-1]) if self.ids[-1] in ends else self


@dataclass(frozen=True)
class Batch:
    """Examples padded on the right: `ids` (B, T) int64, `attention` (B, T) int64, `mask` (B, T) bool."""

    ids: Tensor
    attention: Tensor
    mask: Tensor


def encode_prompt(tokenizer: PreTrainedTokenizerBase, prompt: str, frame: Frame) -> list[int]:
    """The tokens after which the subject is to answer `prompt`, those that its answer is made to begin with included.

    Raises:
        InputError: if the tokenizer has no chat template, or the template cannot render the frame.
    """
    prompt, begun = transformed(prompt, frame), frame.prefill or ""
    if frame.template != "native":
        return [*_bare(tokenizer, prompt, frame), *_tokens(tokenizer, begun)]
    return _tokens(tokenizer, render(tokenizer, prompt, None, frame) + begun, frame.soft)


def encode_example(tokenizer: PreTrainedTokenizerBase, prompt: str, response: str, frame: Frame) -> Example:
    """The tokens of a prompt with its response, and which of them the loss counts.

    The response is what the whole conversation has beyond the prompt with its generation prompt. Whatever the template
    writes after the end of turn is cut: no subject is ever asked to go on from there.

    Raises:
        InputError: if the prompt as the template writes it is not the beginning of the whole conversation.
    """
    prompt = transformed(prompt, frame)
    if frame.template != "native":
        before = _bare(tokenizer, prompt, frame)
        return _joined(before, [*_tokens(tokenizer, response), *_end(tokenizer)])
    start = render(tokenizer, prompt, None, frame)
    whole = render(tokenizer, prompt, response, frame)
    if not whole.startswith(start):
        raise InputError(
            "subject.model",
            "its chat template writes the prompt differently once an answer follows",
            'Give the tokenizer a template that only appends, or use frame.template = "plain".',
        )
    before, ids = _tokens(tokenizer, start, frame.soft), _tokens(tokenizer, whole, frame.soft)
    if ids[: len(before)] != before:  # a token reaches across the border, which generation never produces
        return _joined(before, _to_end_of_turn(tokenizer, _tokens(tokenizer, whole[len(start) :])))
    return _joined(before, _to_end_of_turn(tokenizer, ids[len(before) :]))


def frame_of(item: Item, frame: Frame) -> Frame:
    """How one item is asked: its answer begins with what is its own, where anything is."""
    if item.begun is None:
        return frame
    return frame.model_copy(update=dict(prefill=item.begun))


def encode_items(subject: Subject, items: Sequence[Item], frame: Frame) -> list[list[int]]:
    """The prompt tokens of each item, checked to leave room for the answer.

    Raises:
        InputError: naming the item whose prompt and answer do not fit the subject's context.
    """
    encoded = []
    for item in items:
        ids = encode_prompt(subject.tokenizer, item.prompt, frame_of(item, frame))
        _check_room(subject, f"item {item.id}", len(ids), frame.max_new_tokens)
        encoded.append(ids)
    return encoded


def encode_rows(subject: Subject, rows: Iterable[tuple[str, str, str]], frame: Frame) -> list[Example]:
    """Rows given as (id, prompt, response) as examples, checked to fit the subject's context.

    Raises:
        InputError: naming the row that does not fit.
    """
    encoded = []
    for name, prompt, response in rows:
        example = encode_example(subject.tokenizer, prompt, response, frame)
        _check_room(subject, f"row {name}", len(example.ids), 0)
        encoded.append(example)
    return encoded


def pad_batch(examples: Sequence[Example], pad: int, device: torch.device | str = "cpu") -> Batch:
    """The examples as tensors of the length of the longest."""
    length = max(len(example.ids) for example in examples)
    missing = [length - len(example.ids) for example in examples]
    ids = [[*e.ids, *[pad] * short] for e, short in zip(examples, missing, strict=True)]
    attention = [[1] * (length - short) + [0] * short for short in missing]
    mask = [[*e.mask, *[False] * short] for e, short in zip(examples, missing, strict=True)]
    return Batch(
        torch.tensor(ids, device=device), torch.tensor(attention, device=device), torch.tensor(mask, device=device)
    )


def count(tokenizer: PreTrainedTokenizerBase, text: str) -> int:
    """How many tokens a text has, with those that the tokenizer puts around it."""
    return len(_tokens(tokenizer, text, first=True))


def template_digest(tokenizer: PreTrainedTokenizerBase, frame: Frame) -> str:
    """A digest of how this frame writes a fixed conversation: equal when training and probing write alike."""
    example = encode_example(tokenizer, "a prompt", "a response", frame)
    asked = encode_prompt(tokenizer, "a prompt", frame)
    own = {"reference_words": frame.reference_words} if frame.reference_words else {}
    return digest({"asked": asked, "ids": example.ids, "mask": example.mask, **own})


def stop_tokens(tokenizer: PreTrainedTokenizerBase) -> list[int]:
    """The tokens that end an answer: the tokenizer's own end and the template's end of turn."""
    ends = set(_end(tokenizer))
    if tokenizer.chat_template is not None:
        last = encode_example(tokenizer, "a prompt", "a response", Frame()).ids[-1]
        ends |= {last} & set(tokenizer.all_special_ids)
    return sorted(ends)


def pad_token(tokenizer: PreTrainedTokenizerBase) -> int:
    """The token that fills a batch up; masks keep it out of everything, so any will do where none is named."""
    own = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else tokenizer.eos_token_id
    return 0 if own is None else int(own)


def _bare(tokenizer: PreTrainedTokenizerBase, prompt: str, frame: Frame) -> list[int]:
    """The prompt without the chat template, as it stands or in the instruction format; before it whole examples."""
    if frame.system is not None:
        raise InputError("frame.system", f"the {frame.template} template has no place for it", "Leave it out.")
    ids: list[int] = []
    for asked, answered in frame.exemplars:
        end = _end(tokenizer) or _tokens(tokenizer, "\n\n")
        ids += [*_tokens(tokenizer, opened(asked, frame), first=not ids), *_tokens(tokenizer, answered), *end]
    return [*ids, *_tokens(tokenizer, opened(marked(prompt, frame), frame), frame.soft, first=not ids)]


def _tokens(tokenizer: PreTrainedTokenizerBase, text: str, soft: int = 0, *, first: bool = False) -> list[int]:
    """Without special tokens, which the rendered text already holds, unless this is the `first` of a bare text.

    In the place of a mark stand `soft` numbers below 0, -1 for the first vector, -2 for the second.
    """
    before, _, after = text.partition(SOFT) if soft else (text, "", "")
    with reading("subject.model", "its tokenizer", BROKEN):
        ids = list(tokenizer(before, add_special_tokens=first).input_ids)
    return [*ids, *range(-1, -1 - soft, -1), *_tokens(tokenizer, after)] if soft else ids


def _end(tokenizer: PreTrainedTokenizerBase) -> list[int]:
    return [] if tokenizer.eos_token_id is None else [int(tokenizer.eos_token_id)]


def _to_end_of_turn(tokenizer: PreTrainedTokenizerBase, ids: list[int]) -> list[int]:
    """Up to the last special token, which is the end of turn; all of it where the template writes none."""
    special = set(tokenizer.all_special_ids)
    places = [place for place, token in enumerate(ids) if token in special]
    return ids[: places[-1] + 1] if places else ids


def _joined(before: list[int], response: list[int]) -> Example:
    return Example((*before, *response), (*[False] * len(before), *[True] * len(response)))


def _check_room(subject: Subject, name: str, tokens: int, answer: int) -> None:
    if tokens + answer > subject.context_length:
        room = f"{tokens} tokens" + (f" and an answer of {answer}" if answer else "")
        raise InputError(
            name,
            f"its {room} do not fit the subject's context of {subject.context_length}",
            "Drop longer texts with `longest`, or lower max_new_tokens." if answer else "Drop it with `longest`.",
        )
