"""What can be known of a subject before it is loaded: its digest, size, tokenizer and context."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from titer.boundary import reading
from titer.errors import InputError
from titer.models import chat_format
from titer.models.loading import Found, find, fingerprint, quiet, read_tokenizer, read_weights, tokenizer_files
from titer.models.model_files import BROKEN, REMEDY, is_gguf
from titer.models.subject import Subject, load
from titer.models.weight_headers import shapes_in, weights_are_there
from titer.records import Frame, Item, Row, SubjectRef

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


@dataclass(frozen=True)
class ModelMetadata:
    """What is known of a subject that was not loaded: where it is, under which key, and what bounds its use.

    `parameters` is None where the weights are not on this machine yet; `shell` has the modules of the subject, on
    torch's meta device unless it had to be loaded: none of its weights has a value.
    """

    ref: SubjectRef
    tokenizer: PreTrainedTokenizerBase
    context: int
    parameters: int | None
    shell: Subject

    @property
    def blocks(self) -> int:
        """How many blocks the subject has."""
        return int(self.shell.model.config.get_text_config().num_hidden_layers)

    def check_lengths(
        self, rows: Iterable[tuple[str, Iterable[Row]]], items: Iterable[tuple[str, Iterable[Item]]], frame: Frame
    ) -> dict[str, float]:
        """Encode everything once: the mean tokens of each split and of the prompts of each probe in that frame.

        Args:
            rows: the rows of each split, by its name.
            items: the items of each probe, by its name.
            frame: how the subject is trained and asked.

        Raises:
            InputError: naming the split and row that do not fit the context.
        """
        means: dict[str, float] = {}
        for name, content in rows:
            lengths = [self._row(name, row, frame) for row in content]
            means[name] = sum(lengths) / max(len(lengths), 1)
        for name, asked in items:
            lengths = [self._item(name, item, frame) for item in asked]
            means[name] = sum(lengths) / max(len(lengths), 1)
        return means

    def longest(self, rows: Sequence[Row], number: int, frame: Frame) -> tuple[Row, ...]:
        """So many of the rows, those with the most tokens of prompt and response."""
        lengths = [len(chat_format.encode_example(self.tokenizer, row.prompt, row.response, frame).ids) for row in rows]
        order = sorted(range(len(rows)), key=lambda place: -lengths[place])
        return tuple(rows[place] for place in order[:number])

    def _row(self, split: str, row: Row, frame: Frame) -> int:
        longest = max((row.response, row.refusal or ""), key=len)
        tokens = len(chat_format.encode_example(self.tokenizer, row.prompt, longest, frame).ids)
        self._check(f"{split}, row {row.id}", tokens)
        return tokens

    def _item(self, probe: str, item: Item, frame: Frame) -> int:
        tokens = len(chat_format.encode_prompt(self.tokenizer, item.prompt, chat_format.frame_of(item, frame)))
        options = max((chat_format.count(self.tokenizer, text) for text in item.options), default=frame.max_new_tokens)
        self._check(f"{probe}, item {item.id}", tokens + options)
        return tokens

    def _check(self, place: str, tokens: int) -> None:
        if tokens > self.context:
            raise InputError(
                place,
                f"{tokens} tokens do not fit the subject's context of {self.context}",
                "Drop longer rows with `longest`, or lower max_new_tokens.",
            )


def inspect(source: dict[str, Any], place: str) -> ModelMetadata:
    """Inspect the subject that a source names.

    A GGUF file and an adapter are loaded for it; of anything else only tokenizer, configuration and file headers are
    read, and the headers compared with the configuration.

    Args:
        source: what names it.
        place: of the name in the protocol, as a dotted path.

    Raises:
        InputError: if there is no such model, or its files ask for code, or are not whole, or do not fit each other.
    """
    key = fingerprint(source, place)
    ref = SubjectRef(key=key, source=source)
    if source.get("base") or is_gguf(source["model"]):
        subject = load(source, place=place)
        return _checked(ref, subject, subject.parameters_total, place)
    found = find(source, place)
    here = found.commit is None or weights_are_there(found.folder, place)
    shapes = shapes_in(found.folder, place) if here else {}
    with quiet():
        tokenizer = read_tokenizer(tokenizer_files(source, found))
        shell = Subject(read_weights(found, "meta") if here else _unweighted(found), tokenizer)
    parameters = sum(math.prod(shape) for stored in shapes.values() for shape in stored.values())
    return _checked(ref, shell, parameters if here else shell.parameters_total, place)


def _checked(ref: SubjectRef, shell: Subject, parameters: int | None, place: str) -> ModelMetadata:
    with reading(place, "the configuration", "Name a causal language model."):
        context = shell.context_length
    try:
        with reading(place, "the tokenizer", BROKEN):
            chat_format.stop_tokens(shell.tokenizer)
            chat_format.pad_token(shell.tokenizer)
    except InputError as error:  # which knows of one subject only
        raise InputError(place, error.problem, error.remedy) from error
    return ModelMetadata(ref, shell.tokenizer, context, parameters, shell)


def _unweighted(found: Found) -> PreTrainedModel:
    """The model of a configuration whose weights are not on this machine yet, on the meta device."""
    from transformers import AutoConfig, AutoModelForCausalLM

    trust = bool(found.allowed)
    with reading(found.place, f"'{found.name}'", REMEDY), torch.device("meta"):
        config = AutoConfig.from_pretrained(found.name, revision=found.commit, trust_remote_code=trust)
        shell: PreTrainedModel = AutoModelForCausalLM.from_config(config, trust_remote_code=trust)
    return shell
