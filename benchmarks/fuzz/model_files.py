"""A tiny model as a folder, with an adapter, and as GGUF, one file of it bent, under a protocol that names it."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path

from support.model_formats import adapter_folder, write_gguf
from support.studies import small_protocol, write_toml

from benchmarks.fuzz.mutations import mutate_bytes, mutate_data, mutate_text
from titer.testing import tiny_subject

GGUF = "tiny.gguf"
FILES = (
    GGUF,
    "model/model.safetensors",
    "model/config.json",
    "model/generation_config.json",
    "model/tokenizer.json",
    "model/tokenizer_config.json",
    "model/special_tokens_map.json",
    "model/chat_template.jinja",
    "adapter/adapter_config.json",
    "adapter/adapter_model.safetensors",
)
"""What may be bent, below a folder with all three."""


def bent(number: int, seed: int, inputs: Path, folder: Path) -> Path:
    """Write a model of which one file may be broken, and the protocol that names it; its path.

    Args:
        number: of the case.
        seed: of the run: equal seeds and numbers give equal cases.
        inputs: a folder for the model and the rows of the small study; the same for every case.
        folder: where the model and its protocol go.
    """
    draw = random.Random(f"{seed} model {number}")
    data = small_protocol(inputs)
    for name in ("model", "adapter", GGUF):
        source = _whole(inputs) / name
        (shutil.copytree if source.is_dir() else shutil.copyfile)(source, folder / name)
    file = FILES[number % len(FILES)]
    (folder / file).write_bytes(_bent((folder / file).read_bytes(), file, draw))
    if file == GGUF:
        data["subject"] = {"model": str(folder / GGUF)}
    elif file.startswith("adapter"):
        data["subject"] = {"model": str(folder / "adapter"), "base": str(folder / "model")}
    else:
        data["subject"] = {"model": str(folder / "model")}
    write_toml(folder / "protocol.toml", data)
    return folder / "protocol.toml"


def _whole(inputs: Path) -> Path:
    """The three as they should be, written once."""
    whole = inputs / "formats"
    if not whole.exists():
        begun = inputs / "formats.begun"
        begun.mkdir(parents=True)
        subject = tiny_subject()
        subject.save(begun / "model")
        (begun / "model" / "special_tokens_map.json").write_text(json.dumps({"eos_token": "<end>"}), encoding="utf-8")
        write_gguf(begun / GGUF, subject)
        adapter_folder(begun / "adapter")
        begun.rename(whole)
    return whole


def _bent(content: bytes, file: str, draw: random.Random) -> bytes:
    if file.endswith(".json") and draw.random() < 0.6:
        data = mutate_data(json.loads(content), draw)
        return json.dumps(data, default=str).encode("utf-8", "surrogatepass")
    if file.endswith((".json", ".jinja")):
        return mutate_text(content.decode(), draw)
    headed = 2048 if draw.random() < 0.7 else len(content)  # most of what can go wrong is in the header
    return mutate_bytes(content[:headed], draw) + content[headed:]
