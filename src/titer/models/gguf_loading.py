"""A GGUF file as an ordinary model with its tokenizer."""

from __future__ import annotations

import importlib.util
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from titer.boundary import reading
from titer.errors import InputError
from titer.models import gguf_header
from titer.models.model_files import BROKEN

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


def read_gguf(path: Path, place: str) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """The model of a GGUF file, dequantized and copied: the one that is read counts as quantized and cannot be saved.

    It is read through a folder of its own: what lies beside it, a configuration or an adapter, is none of it.

    Raises:
        InputError: if it claims more than it holds, or cannot be read, or the package gguf is missing.
    """
    from transformers import AutoModelForCausalLM, AutoTokenizer

    if importlib.util.find_spec("gguf") is None:
        raise InputError(place, f"'{path}' needs the package gguf", "pip install 'titer[gguf]'.")
    gguf_header.check(path, place)
    with tempfile.TemporaryDirectory() as folder, reading(place, f"'{path}'", BROKEN):
        (Path(folder) / path.name).symlink_to(path.resolve())
        tokenizer = AutoTokenizer.from_pretrained(folder, gguf_file=path.name, trust_remote_code=False)
        quantized = AutoModelForCausalLM.from_pretrained(
            folder, gguf_file=path.name, dtype=torch.float32, trust_remote_code=False, use_kernels=False
        )
        model = _fresh(quantized)
    return model, tokenizer


def _fresh(quantized: PreTrainedModel) -> PreTrainedModel:
    config = type(quantized.config)(
        **{key: value for key, value in quantized.config.to_dict().items() if key != "quantization_config"}
    )
    config.dtype = torch.float32
    fresh: PreTrainedModel = type(quantized)(config)
    fresh.load_state_dict(quantized.state_dict())
    fresh.generation_config = quantized.generation_config
    return fresh
