"""Where subjects come from: the organism, a folder, a hub id, a LoRA adapter over either, a GGUF file.

What a model's files ask for is looked at before transformers sees them: no code but what the protocol names, weights
from safetensors or GGUF only, of the shapes that their configuration asks for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import torch

from titer.boundary import reading
from titer.errors import InputError
from titer.models import lora, weight_headers
from titer.models.adapter_config import check_patterns, lora_config
from titer.models.gguf_loading import read_gguf
from titer.models.model_files import (
    ADAPTER,
    BROKEN,
    REMEDY,
    commit_of,
    folder_of,
    is_gguf,
    locate,
    regular_files,
    sha256,
)
from titer.models.remote_code import check_code
from titer.records import digest

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

TOKENIZER = "tokenizer_config.json"
"""The file by which a tokenizer that lies elsewhere is looked up."""
OF_THE_MACHINE = ("is_local", "local_files_only")
"""What transformers notes in a tokenizer of how it was read, as whether the machine was offline, and would save."""


@dataclass(frozen=True)
class Found:
    """A model or adapter whose files were looked at: its name, a hub id's commit, and the folder they lie in."""

    name: str
    commit: str | None
    folder: Path
    allowed: tuple[str, ...]
    place: str

    @property
    def remedy(self) -> str:
        """What to do where its files cannot be read."""
        return BROKEN if self.commit is None else REMEDY


def read(source: Mapping[str, Any], place: str = "subject.model") -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """The model, in float32 on the processor, and the tokenizer that a source names.

    Raises:
        InputError: if there is no such model, or it cannot be used.
    """
    base = source.get("base")
    with quiet():
        if base is None and is_gguf(name := locate(str(source["model"]), place)):
            model, tokenizer = read_gguf(Path(name), place)
            return model, _of_any_machine(tokenizer)
        if base is None:
            found = find(source, place)
            if found.commit is None:
                weight_headers.shapes_in(found.folder, place)
            return read_weights(found), read_tokenizer(tokenizer_files(source, found))
        adapter = find(source, place, ADAPTER)
        model, tokenizer = read(base_of(source), _beside(place, "base"))
        _read_adapter(model, adapter)
        return model, tokenizer


def find(source: Mapping[str, Any], place: str, telling: str = "config.json") -> Found:
    """The files of a model or adapter, which ask for no code but what the source allows.

    Args:
        source: what names it.
        place: of the name in the protocol, as a dotted path.
        telling: the file that every such folder has, by which a hub id is looked up.

    Raises:
        InputError: if there is none, or it asks for code, or it is an adapter where a model is wanted.
    """
    name, allowed = locate(str(source["model"]), place), tuple(source.get("trust_remote_code") or ())
    commit = None if Path(name).is_dir() else commit_of(name, telling, source.get("revision"), place)
    folder = Path(name) if commit is None else folder_of(name, commit, place)
    if telling != ADAPTER and (folder / ADAPTER).is_file():  # transformers would load the base that it names
        raise InputError(
            _beside(place, "base"), f"'{name}' is an adapter without its base", "Name the base model here."
        )
    if not (folder / telling).is_file():
        raise InputError(place, f"'{name}' cannot be read: it has no {telling}", REMEDY)
    check_code(folder, allowed, place)
    return Found(name, commit, folder, allowed, place)


def base_of(source: Mapping[str, Any]) -> dict[str, Any]:
    """The source of the model that an adapter is over."""
    return {"model": source["base"], "trust_remote_code": source.get("trust_remote_code")}


def tokenizer_files(source: Mapping[str, Any], found: Found) -> Found:
    """The files in which the tokenizer lies: those of the model itself, unless its source names another model."""
    if source.get("tokenizer") is None:
        return found
    named = {"model": source["tokenizer"], "trust_remote_code": source.get("trust_remote_code")}
    return find(named, _beside(found.place, "tokenizer"), TOKENIZER)


def fingerprint(source: Mapping[str, Any], place: str = "subject.model") -> str:
    """A digest of what determines the subject, without loading it.

    A folder: names and contents of all its files, in subfolders too. A hub id: the commit its revision stands for,
    looked up on the hub, else in the cache. A GGUF file: its contents. An adapter, or a model with the tokenizer of
    another one: both.

    Raises:
        InputError: if there is no such model.
    """
    base = source.get("base")
    if base is not None:
        own = _fingerprint(source, place, ADAPTER)
        return digest([own, fingerprint({"model": base}, _beside(place, "base"))])
    if (tokenizer := source.get("tokenizer")) is not None:
        own = _fingerprint(source, place, "config.json")
        return digest(
            {"model": own, "tokenizer": _fingerprint({"model": tokenizer}, _beside(place, "tokenizer"), TOKENIZER)}
        )
    return _fingerprint(source, place, "config.json")


def _fingerprint(source: Mapping[str, Any], place: str, telling: str) -> str:
    """Of one model or adapter; `telling` is the file by which a hub id is looked up."""
    name = locate(str(source["model"]), place)
    folder = Path(name)
    if folder.is_dir():
        files = regular_files(folder, place)
        return digest({path.relative_to(folder).as_posix(): sha256(path, place) for path in files})
    if is_gguf(name):
        return digest({"gguf": sha256(folder, place)})
    return digest({"hub": name, "commit": commit_of(name, telling, source.get("revision"), place)})


@contextmanager
def quiet() -> Iterator[None]:
    """Keep what transformers prints, progress bars and reports, off the screen: what matters of it is an error here."""
    from transformers.utils import logging

    shown, level = logging.is_progress_bar_enabled(), logging.get_verbosity()
    logging.disable_progress_bar()
    logging.set_verbosity_error()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if shown:
            logging.enable_progress_bar()


def read_tokenizer(found: Found) -> PreTrainedTokenizerBase:
    """The tokenizer of a model whose files were looked at.

    Raises:
        InputError: if it cannot be read.
    """
    from transformers import AutoTokenizer

    with reading(found.place, f"the tokenizer of '{found.name}'", found.remedy):
        tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(
            found.name, revision=found.commit, trust_remote_code=bool(found.allowed)
        )
    return _of_any_machine(tokenizer)


def read_weights(found: Found, device_map: Literal["meta"] | None = None) -> PreTrainedModel:
    """The model of a folder or hub id, in float32.

    Args:
        found: its files, which were looked at.
        device_map: "meta" where no weight is to be read: then names and shapes are compared only.

    Raises:
        InputError: if it cannot be read, or weights and configuration do not fit each other.
    """
    from transformers import AutoModelForCausalLM

    with reading(found.place, f"'{found.name}'", found.remedy):
        loaded: Any = AutoModelForCausalLM.from_pretrained(
            found.name,
            revision=found.commit,
            trust_remote_code=bool(found.allowed),
            dtype=torch.float32,
            use_safetensors=True,
            use_kernels=False,
            device_map=device_map,
            ignore_mismatched_sizes=True,
            output_loading_info=True,
        )
    model, info = loaded
    weight_headers.check_fit(model, info, found.folder, found.place)
    read: PreTrainedModel = model
    return read


def _read_adapter(model: PreTrainedModel, found: Found) -> None:
    path = found.folder / ADAPTER
    config = lora_config(path, found.place)
    check_patterns(config, [name for name, _ in model.named_modules()], path, found.place)
    lora.load_into(model, config, adapter_weights(found), found.place)


def adapter_weights(found: Found) -> Path:
    """The safetensors file of an adapter, whole, fetched if need be.

    Raises:
        InputError: if there is none, as where the weights are a pickle.
    """
    from transformers.utils.hub import cached_file

    path = found.folder / weight_headers.ADAPTER_WEIGHTS
    if found.commit is not None:
        with reading(found.place, f"'{found.name}'", weight_headers.SAFE):
            path = Path(str(cached_file(found.name, path.name, revision=found.commit)))
    if not path.is_file():
        raise weight_headers.without_weights(found.folder, path.name, found.place)
    weight_headers.read_header(path, found.place)
    return path


def _of_any_machine(tokenizer: PreTrainedTokenizerBase) -> PreTrainedTokenizerBase:
    for key in OF_THE_MACHINE:
        tokenizer.init_kwargs.pop(key, None)
    return tokenizer


def _beside(place: str, key: str) -> str:
    """The place of another key of the same table."""
    return f"{place.rpartition('.')[0]}.{key}"
