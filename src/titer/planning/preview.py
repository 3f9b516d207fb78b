"""What training and probing will look like in tokens, before anything runs: the wrong template is a common mistake."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from titer.data.splitting import ASKED
from titer.models import chat_format
from titer.models.metadata import inspect
from titer.records import Item, Row
from titer.study.atomic_files import read_lines
from titer.study.folder import Study

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


@dataclass(frozen=True)
class Shown:
    """One example as the subject sees it: pieces of text with whether they are in the loss."""

    place: str
    pieces: tuple[tuple[str, bool], ...]


@dataclass(frozen=True)
class Preview:
    """Training examples of every source, and the prompt of the first item of every probe."""

    examples: tuple[Shown, ...]
    prompts: tuple[Shown, ...]


def preview(study: Study, number: int) -> Preview:
    """The first `number` rows of every split that is trained on, token by token, and one prompt of each probe."""
    tokenizer = inspect(study.frozen.subject.source or {}, "subject.model").tokenizer
    return Preview(tuple(_examples(study, tokenizer, number)), tuple(_prompts(study, tokenizer)))


def _examples(study: Study, tokenizer: PreTrainedTokenizerBase, number: int) -> Iterator[Shown]:
    frame = study.protocol.harm.frame
    for name, digest in study.frozen.rows.items():
        if name.rsplit("/", 1)[1] in ASKED:
            continue
        for line in read_lines(study.store.data(digest))[:number]:
            row = Row.from_json(line)
            pairs = [("", row.response)] if row.refusal is None else [("", row.response), (" (refusal)", row.refusal)]
            for what, response in pairs:
                example = chat_format.encode_example(tokenizer, row.prompt, response, frame)
                texts = [str(tokenizer.decode([token])) for token in example.ids]
                yield Shown(f"{name}, row {row.id}{what}", tuple(zip(texts, example.mask, strict=True)))


def _prompts(study: Study, tokenizer: PreTrainedTokenizerBase) -> Iterator[Shown]:
    frame = study.protocol.harm.frame
    for name, digest in study.frozen.items.items():
        item = Item.from_json(read_lines(study.store.data(digest))[0])
        text = str(tokenizer.decode(chat_format.encode_prompt(tokenizer, item.prompt, frame)))
        options = tuple((f"\n  option: {option}", False) for option in item.options)
        yield Shown(f"{name}, item {item.id}", ((text, False), *options))
