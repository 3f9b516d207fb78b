"""What can be known of a subject before it is loaded: its digest, size, tokenizer and context."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors import safe_open

from titer.data.organism import CHECKPOINT
from titer.errors import InputError
from titer.models import chat_format
from titer.models.loading import fingerprint
from titer.models.subject import Subject, load
from titer.records import Frame, Item, Row, SubjectRef

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


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
        tokens = len(chat_format.encode_prompt(self.tokenizer, item.prompt, frame))
        options = max((len(self.tokenizer(text).input_ids) for text in item.options), default=frame.max_new_tokens)
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
    read.

    Raises:
        InputError: if there is no such model, or it has no chat template.
    """
    key = fingerprint(source)
    ref = SubjectRef(key=key, source=source)
    if source.get("base") or source["model"].endswith(".gguf"):
        subject = load(source)
        return ModelMetadata(ref, subject.tokenizer, subject.context_length, subject.parameters_total, subject)
    from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

    name = str(CHECKPOINT) if source["model"] == "organism" else source["model"]
    trust, revision = source["trust_remote_code"], source["revision"]
    try:
        tokenizer = AutoTokenizer.from_pretrained(name, revision=revision, trust_remote_code=trust)
        config = AutoConfig.from_pretrained(name, revision=revision, trust_remote_code=trust)
        with torch.device("meta"):
            model = AutoModelForCausalLM.from_config(config, trust_remote_code=trust)
    except (OSError, ValueError) as error:
        raise InputError(place, f"'{name}' cannot be read: {error}", "Name a model that exists.") from error
    context = int(config.get_text_config().max_position_embeddings)
    return ModelMetadata(ref, tokenizer, context, _count(Path(name)), Subject(model, tokenizer))


def _count(folder: Path) -> int | None:
    """The weights in the safetensors files of a folder, from their headers."""
    files = sorted(folder.glob("*.safetensors")) if folder.is_dir() else []
    if not files:
        return None
    total = 0
    for file in files:
        with safe_open(file, framework="pt") as stored:
            total += sum(math.prod(stored.get_slice(name).get_shape()) for name in stored.offset_keys())
    return total
