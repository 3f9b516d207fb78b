"""Where subjects come from: the organism, a folder, a hub id, a LoRA adapter over either, a GGUF file."""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from titer.data.organism import CHECKPOINT
from titer.errors import InputError
from titer.models import lora
from titer.records import digest

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

ORGANISM = "organism"
ADAPTER = "adapter_config.json"
REMEDY = "Name a folder, a .gguf file, 'organism', or a hub id (HF_TOKEN for gated ones; offline, one in the cache)."
CONTENTS = (".safetensors", ".json", ".jinja", ".model", ".txt", ".py")
"""The endings of the files of a folder that determine a subject: weights, configuration, tokenizer, template, code."""


def read(source: Mapping[str, Any]) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """The model, in float32 on the processor, and the tokenizer that a source names.

    Raises:
        InputError: if there is no such model, or it cannot be used.
    """
    place, revision, trust = _place(source), source.get("revision"), bool(source.get("trust_remote_code"))
    base = source.get("base")
    if base is None and (Path(place) / ADAPTER).is_file():
        raise _without_base(place)
    with quiet():
        if _is_gguf(place):
            return _read_gguf(Path(place))
        if base is None:
            return _read_model(place, revision, trust)
        return _read_adapter(place, revision, read({"model": base, "trust_remote_code": trust}))


def fingerprint(source: Mapping[str, Any]) -> str:
    """A digest of what determines the subject, without loading it.

    A folder: names and contents of its files of weights, configuration, tokenizer and template. A hub id: the commit
    its revision stands for, looked up on the hub, else in the cache. A GGUF file: its contents. An adapter: both.

    Raises:
        InputError: if there is no such model.
    """
    place, revision, base = _place(source), source.get("revision"), source.get("base")
    if base is not None:
        return digest([_fingerprint(place, revision, ADAPTER), fingerprint({"model": base})])
    return _fingerprint(place, revision, "config.json")


def _fingerprint(place: str, revision: str | None, telling: str) -> str:
    """Of one model or adapter; `telling` is the file by which a hub id is looked up."""
    if _is_gguf(place):
        return digest({"gguf": _sha256(Path(place))})
    if Path(place).is_dir():
        files = [path for path in sorted(Path(place).iterdir()) if path.is_file() and path.suffix in CONTENTS]
        return digest({path.name: _sha256(path) for path in files})
    return digest({"hub": place, "commit": _commit(place, telling, revision)})


@contextmanager
def quiet() -> Iterator[None]:
    """Keep the progress bars of transformers, which run beside titer's own, off the screen for the block."""
    from transformers.utils import logging

    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()


def _place(source: Mapping[str, Any]) -> str:
    """The folder, file or hub id; a path that leads nowhere is told before a hub is asked for it."""
    model = str(source["model"])
    if model == ORGANISM:
        return str(CHECKPOINT)
    path = Path(model).expanduser()
    if not path.exists() and (_is_gguf(model) or path.is_absolute() or model.startswith(".") or model.count("/") > 1):
        raise InputError("subject.model", f"there is no file or folder '{model}'", REMEDY)
    return str(path) if path.exists() else model


def _is_gguf(place: str) -> bool:
    return place.endswith(".gguf")


def _read_model(place: str, revision: str | None, trust: bool) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(place, revision=revision, trust_remote_code=trust)
        model = AutoModelForCausalLM.from_pretrained(
            place, revision=revision, trust_remote_code=trust, dtype=torch.float32, use_safetensors=True
        )
    except (OSError, ValueError) as error:
        raise _unreadable(place, error) from error
    if lora.is_on(model):  # what transformers does by itself for the hub id of an adapter
        raise _without_base(place)
    return model, tokenizer


def _read_adapter(
    place: str, revision: str | None, base: tuple[PreTrainedModel, PreTrainedTokenizerBase]
) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    model, tokenizer = base
    try:
        lora.load_into(model, place, revision=revision)
    except (OSError, ValueError, RuntimeError) as error:
        raise _unreadable(place, error) from error
    return model, tokenizer


def _read_gguf(path: Path) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """Dequantized, then copied into a fresh model: the one that is read counts as quantized and cannot be saved."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    if importlib.util.find_spec("gguf") is None:
        raise InputError("subject.model", f"'{path}' needs the package gguf", "pip install 'titer[gguf]'.")
    folder, name = str(path.parent), path.name
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, gguf_file=name)
        quantized = AutoModelForCausalLM.from_pretrained(folder, gguf_file=name, dtype=torch.float32)
    except (OSError, ValueError) as error:
        raise _unreadable(str(path), error) from error
    return _fresh(quantized), tokenizer


def _fresh(quantized: PreTrainedModel) -> PreTrainedModel:
    config = type(quantized.config)(
        **{key: value for key, value in quantized.config.to_dict().items() if key != "quantization_config"}
    )
    config.dtype = torch.float32
    fresh: PreTrainedModel = type(quantized)(config)
    fresh.load_state_dict(quantized.state_dict())
    fresh.generation_config = quantized.generation_config
    return fresh


def _commit(place: str, telling: str, revision: str | None) -> str:
    """The commit that a hub id's revision stands for, from the hub or, offline, from its cache."""
    from transformers.utils.hub import cached_file, extract_commit_hash

    try:
        found = cached_file(place, telling, revision=revision)
    except (OSError, ValueError) as error:
        raise _unreadable(place, error) from error
    return str(extract_commit_hash(found, None))


def _without_base(place: str) -> InputError:
    return InputError("subject.base", f"'{place}' is an adapter without its base", "Name the base model here.")


def _unreadable(place: str, error: Exception) -> InputError:
    first = (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
    return InputError("subject.model", f"'{place}' cannot be loaded: {first}", REMEDY)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
