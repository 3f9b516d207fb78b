"""The header of a GGUF file, read with bounds: a few bytes of it may claim more than any memory holds.

The format is that of ggml's docs/gguf.md, versions 2 and 3: magic, version, the numbers of tensors and of metadata
pairs, the pairs, then name, dimensions, type and offset of each tensor, then the data.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from titer.boundary import reading
from titer.errors import InputError
from titer.models.model_files import BROKEN

SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
"""The type of a value by its number, as `struct` writes it."""
STRING, ARRAY = 8, 9
MOST_DIMENSIONS = 4
LEAST_PAIR, LEAST_TENSOR = 13, 24
"""The fewest bytes of a metadata pair and of a tensor's entry: how many of them a file has room for."""
MADE_OF = ("embedding_length", "feed_forward_length", "block_count", "head_count", "head_count_kv", "expert_count")
"""Numbers of which a model is built; none is above every dimension of the tensors and their number."""


def check(path: Path, place: str) -> None:
    """The header claims no more than the file holds.

    Args:
        path: the file.
        place: of the model in the protocol, as a dotted path.

    Raises:
        InputError: naming the file and what it claims.
    """

    def refuse(problem: str) -> InputError:
        return InputError(place, f"'{path}' is no whole GGUF file: {problem}", BROKEN)

    with reading(place, f"'{path}'", BROKEN), path.open("rb") as file:
        header = _Header(file, path.stat().st_size, refuse)
        header.check()


class _Header:
    """A cursor over a header that never takes more than is left of the file."""

    def __init__(self, file: BinaryIO, size: int, refuse: Callable[[str], InputError]) -> None:
        self.file = file
        self.size = size
        self.refuse = refuse
        self.made_of: dict[str, int] = {}
        self.named = False

    def check(self) -> None:
        if self.take(4) != b"GGUF":
            raise self.refuse("it does not begin with GGUF")
        version = self.number("I")
        if version not in (2, 3):
            raise self.refuse(f"its version is {version}, and 2 and 3 can be read")
        tensors, pairs = self.number("Q"), self.number("Q")
        self.room(tensors, LEAST_TENSOR, "tensors")
        self.room(pairs, LEAST_PAIR, "metadata pairs")
        for _ in range(pairs):
            self.pair()
        if not self.named:
            raise self.refuse("its metadata name no general.architecture")
        largest = tensors
        for _ in range(tensors):
            largest = max(largest, self.tensor())
        for key, value in self.made_of.items():
            if not 0 <= value <= largest:
                raise self.refuse(f"its {key} is {value:,}, and no tensor is as large")

    def pair(self) -> None:
        key = self.text()
        kind = self.number("I")
        if kind in SCALARS:
            value = self.number(SCALARS[kind])
            if key.endswith(MADE_OF):
                self.made_of[key[-100:]] = int(value)
        elif kind == STRING:
            self.text()
            self.named |= key == "general.architecture"
        elif kind == ARRAY:
            self.array()
        else:
            raise self.refuse(f"its metadata have a value of type {kind}")

    def array(self) -> None:
        kind, length = self.number("I"), self.number("Q")
        if kind in SCALARS:
            width = struct.calcsize("<" + SCALARS[kind])
            self.room(length, width, "values in an array")
            self.file.seek(length * width, 1)
        elif kind == STRING:
            self.room(length, 8, "texts in an array")
            for _ in range(length):
                self.skip_text()
        else:
            raise self.refuse(f"its metadata have an array of type {kind}")

    def tensor(self) -> int:
        """The largest dimension of the next tensor."""
        from gguf.constants import GGML_QUANT_SIZES, GGMLQuantizationType

        name, number = self.text(), self.number("I")
        if not 0 < number <= MOST_DIMENSIONS:
            raise self.refuse(f"{name[:100]} has {number} dimensions")
        dimensions = [self.number("Q") for _ in range(number)]
        kind, offset = self.number("I"), self.number("Q")
        block, width = GGML_QUANT_SIZES[GGMLQuantizationType(kind)]
        if min(dimensions) < 1 or offset + math.prod(dimensions) // block * width > self.size:
            raise self.refuse(f"{name[:100]} has the dimensions {dimensions}, more than the file holds")
        return max(dimensions)

    def text(self) -> str:
        length = self.number("Q")
        self.room(length, 1, "letters in a text")
        return self.take(length).decode("utf-8", "replace")

    def skip_text(self) -> None:
        length = self.number("Q")
        self.room(length, 1, "letters in a text")
        self.file.seek(length, 1)

    def number(self, kind: str) -> int:
        return int(struct.unpack("<" + kind, self.take(struct.calcsize("<" + kind)))[0])

    def room(self, count: int, width: int, what: str) -> None:
        if count * width > self.size - self.file.tell():
            raise self.refuse(f"it claims {count:,} {what}")

    def take(self, length: int) -> bytes:
        taken = self.file.read(length)
        if len(taken) < length:
            raise self.refuse("it ends within its header")
        return taken
