"""What foreign parsers throw becomes a message; what titer and the machine throw stays what it is."""

from __future__ import annotations

import errno
import json
import re
import sys

import pytest
from safetensors import SafetensorError
from tokenizers import Tokenizer

from titer.boundary import reading
from titer.errors import BusyError, InputError, TiterError, printable, shown

THROWN = [
    ValueError("no such thing"),
    TypeError("unhashable"),
    KeyError("model_type"),
    IndexError("out of range"),
    AttributeError("no attribute"),
    OverflowError("too large"),
    UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"),
    SafetensorError("header too large"),
    OSError(errno.ENOENT, "No such file or directory", "x"),
    AssertionError(),
    Exception("data did not match any variant"),
]


@pytest.mark.parametrize("error", THROWN, ids=lambda error: type(error).__name__)
def test_what_a_parser_throws_is_a_message_with_its_place(error: Exception) -> None:
    with pytest.raises(InputError) as caught, reading("a.b", "'x.json'", "Write another."):
        raise error
    assert re.fullmatch(r"a\.b: 'x\.json' cannot be read: \S.*\. Write another\.", str(caught.value))
    assert caught.value.__cause__ is error
    assert "Errno" not in str(caught.value)


def test_deep_nesting_and_too_little_memory_are_said_in_words() -> None:
    with pytest.raises(InputError, match="it is nested too deeply"), reading("a", "it", "Write another."):
        json.loads("[" * 100_000)
    with pytest.raises(InputError, match="it needs more memory than there is"), reading("a", "it", "Write another."):
        bytearray(sys.maxsize)


def test_a_message_is_the_first_line_of_what_was_thrown() -> None:
    with pytest.raises(InputError) as caught, reading("a", "it", "Write another."):
        raise ValueError("first.\nsecond\n" * 1000)
    assert str(caught.value) == "a: it cannot be read: first. Write another."


def test_a_panic_of_rust_is_caught_though_it_is_no_exception() -> None:
    panic = type("PanicException", (BaseException,), {"__module__": "pyo3_runtime"})
    with pytest.raises(InputError, match="PanicException index out of bounds"), reading("a", "it", "Write another."):
        raise panic("index out of bounds")


def test_a_tokenizer_that_is_none_is_a_message() -> None:
    with pytest.raises(InputError) as caught, reading("subject.model", "the tokenizer", "Save it again."):
        Tokenizer.from_str('{"version": "1.0", "model": {"type": "BPE"}}')
    assert str(caught.value).startswith("subject.model: the tokenizer cannot be read: ")


@pytest.mark.parametrize(
    "error",
    [KeyboardInterrupt(), SystemExit(3), BusyError("busy"), InputError("p", "q", "r"), OSError(errno.ENOSPC, "")],
)
def test_what_is_not_of_the_input_passes(error: BaseException) -> None:
    with pytest.raises(type(error)) as caught, reading("a", "it", "Write another."):
        raise error
    assert caught.value is error


@pytest.mark.parametrize(
    "error", [InputError("a\x00b", "c\x1b[31m" + "d" * 9_000, "é" * 9_000), TiterError("\r\n" * 9_000)]
)
def test_a_message_can_be_printed_and_is_shorter_than_a_screen(error: TiterError) -> None:
    assert str(error).isprintable()
    assert len(str(error).encode()) <= 1_900


def test_a_text_is_cut_between_signs() -> None:
    assert shown("é" * 10, 10) == "ééé…"
    assert shown("é" * 5, 10) == "é" * 5
    assert shown("\ud800", 10) == printable("\ud800") == "\ufffd"
