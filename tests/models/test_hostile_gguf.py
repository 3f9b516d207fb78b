"""A GGUF file that claims more than it holds is refused by its header, in no time and no memory."""

from __future__ import annotations

import importlib.util
import json
import struct
from pathlib import Path

import pytest
from support.model_formats import write_gguf

from titer.errors import InputError
from titer.models import gguf_header
from titer.models.subject import load
from titer.testing import same, tiny_subject, weights

pytestmark = pytest.mark.skipif(importlib.util.find_spec("gguf") is None, reason="the package gguf is not installed")

HUGE = 2**60


def text(value: str) -> bytes:
    return struct.pack("<Q", len(value)) + value.encode()


def pair(key: str, kind: int, value: bytes) -> bytes:
    return text(key) + struct.pack("<I", kind) + value


ARCHITECTURE = pair("general.architecture", 8, text("llama"))


def header(*pairs: bytes, tensors: bytes = b"", num_tensors: int = 0, num_pairs: int | None = None) -> bytes:
    counts = struct.pack("<IQQ", 3, num_tensors, len(pairs) if num_pairs is None else num_pairs)
    return b"GGUF" + counts + b"".join(pairs) + tensors


def tensor(*dimensions: int, kind: int = 0, offset: int = 0) -> bytes:
    shape = struct.pack(f"<I{len(dimensions)}Q", len(dimensions), *dimensions)
    return text("token_embd.weight") + shape + struct.pack("<IQ", kind, offset)


BOMBS = {
    "not GGUF": (b"PK\x03\x04" + b"\0" * 60, "does not begin with GGUF"),
    "nothing": (b"", "ends within its header"),
    "another version": (b"GGUF" + struct.pack("<IQQ", 9, 0, 0), "version is 9"),
    "tensors": (header(ARCHITECTURE, num_tensors=HUGE), f"claims {HUGE:,} tensors"),
    "pairs": (header(ARCHITECTURE, num_pairs=HUGE), f"claims {HUGE:,} metadata pairs"),
    "a text": (header(pair("a", 8, struct.pack("<Q", HUGE))), f"claims {HUGE:,} letters"),
    "an array": (header(pair("a", 9, struct.pack("<IQ", 4, HUGE))), f"claims {HUGE:,} values"),
    "an array of texts": (header(pair("a", 9, struct.pack("<IQ", 8, HUGE))), f"claims {HUGE:,} texts"),
    "arrays in arrays": (header(pair("a", 9, struct.pack("<IQ", 9, 1) * 50)), "array of type 9"),
    "a value of no type": (header(pair("a", 77, b"")), "value of type 77"),
    "elements": (header(ARCHITECTURE, tensors=tensor(HUGE), num_tensors=1), "more than the file holds"),
    "dimensions": (
        header(ARCHITECTURE, tensors=tensor(*[2**16] * 4), num_tensors=1),
        "token_embd.weight has the dimensions",
    ),
    "number of dimensions": (header(ARCHITECTURE, tensors=tensor(*[1] * 9), num_tensors=1), "has 9 dimensions"),
    "an offset": (header(ARCHITECTURE, tensors=tensor(1, offset=HUGE), num_tensors=1), "more than the file holds"),
    "blocks": (
        header(ARCHITECTURE, pair("llama.block_count", 4, struct.pack("<I", 2**31))),
        "llama.block_count is 2,147,483,648",
    ),
    "no architecture": (header(), "no general.architecture"),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_by_its_header(name: str, tmp_path: Path) -> None:
    content, problem = BOMBS[name]
    path = tmp_path / "bomb.gguf"
    path.write_bytes(content)
    with pytest.raises(InputError) as refused:
        load({"model": str(path)})
    assert str(path) in str(refused.value)
    assert problem in str(refused.value)


def test_a_whole_file_passes_and_a_cut_one_does_not(tmp_path: Path) -> None:
    path = tmp_path / "tiny.gguf"
    write_gguf(path, tiny_subject())
    gguf_header.check(path, "subject.model")
    path.write_bytes(path.read_bytes()[:-5000])
    with pytest.raises(InputError, match=r"tiny\.gguf' is no whole GGUF file: .* more than the file holds"):
        gguf_header.check(path, "subject.model")


def test_what_lies_beside_a_file_is_none_of_it(tmp_path: Path) -> None:
    path = tmp_path / "tiny.gguf"
    write_gguf(path, tiny_subject())
    alone = load({"model": str(path)})
    beside = {"auto_map": {"AutoConfig": "own.Own"}, "base_model_name_or_path": "no/where", "peft_type": "LORA"}
    for name in ("config.json", "tokenizer_config.json", "generation_config.json", "adapter_config.json"):
        (tmp_path / name).write_text(json.dumps(beside))
    assert same(weights(load({"model": str(path)})), weights(alone))
