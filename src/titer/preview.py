"""What training and probing will look like in tokens, before anything runs: the wrong template is a common mistake."""

from __future__ import annotations

from dataclasses import dataclass

from titer import chat
from titer.inspection import inspect
from titer.records import Item, Row
from titer.store import read_lines
from titer.study import Study


@dataclass(frozen=True)
class Shown:
    """One example as the subject sees it: pieces of text with whether they are in the loss."""

    place: str
    pieces: tuple[tuple[str, bool], ...]


def training_examples(study: Study, number: int) -> tuple[Shown, ...]:
    """The first `number` rows of every split that is trained on, token by token."""
    frame = study.protocol.harm.frame
    tokenizer = inspect(study.frozen.subject.source or {}, "subject.model").tokenizer
    shown = []
    for name, digest in study.frozen.rows.items():
        if name.rsplit("/", 1)[1] in ("probe", "select", "verdict", "over_refusal"):
            continue
        for line in read_lines(study.store.data(digest))[:number]:
            row = Row.from_json(line)
            pairs = [("", row.response)] if row.refusal is None else [("", row.response), (" (refusal)", row.refusal)]
            for what, response in pairs:
                example = chat.encode_example(tokenizer, row.prompt, response, frame)
                pieces = tuple(
                    (str(tokenizer.decode([token])), counted)
                    for token, counted in zip(example.ids, example.mask, strict=True)
                )
                shown.append(Shown(f"{name}, row {row.id}{what}", pieces))
    return tuple(shown)


def probe_prompts(study: Study) -> tuple[Shown, ...]:
    """The exact prompt of the first item of every probe."""
    frame = study.protocol.harm.frame
    tokenizer = inspect(study.frozen.subject.source or {}, "subject.model").tokenizer
    shown = []
    for name, digest in study.frozen.items.items():
        item = Item.from_json(read_lines(study.store.data(digest))[0])
        text = tokenizer.decode(chat.encode_prompt(tokenizer, item.prompt, frame))
        options = tuple((f"\n  option: {option}", False) for option in item.options)
        shown.append(Shown(f"{name}, item {item.id}", ((str(text), False), *options)))
    return tuple(shown)

