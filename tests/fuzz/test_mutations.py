"""Ways to bend an input: the same draw bends it in the same way, and what is given stays as it was."""

from __future__ import annotations

import copy
import random
import tomllib
from pathlib import Path

import pytest
from support.full_protocol import full

from benchmarks.fuzz import protocols, sources, toml
from benchmarks.fuzz.mutations import mutate_bytes, mutate_data, mutate_text


@pytest.mark.parametrize("content", [b"", b"\x00", b"some bytes that are longer" * 20])
def test_bytes_are_bent_by_the_draw_alone(content: bytes) -> None:
    bent = [mutate_bytes(content, random.Random(seed)) for seed in range(200)]
    assert bent == [mutate_bytes(content, random.Random(seed)) for seed in range(200)]
    assert len(set(bent)) > 20


def test_a_text_and_a_tree_are_bent_by_the_draw_alone() -> None:
    data = full()
    for seed in range(200):
        assert repr(mutate_data(data, random.Random(seed))) == repr(mutate_data(data, random.Random(seed)))
        text = toml.write(data)
        assert mutate_text(text, random.Random(seed)) == mutate_text(text, random.Random(seed))
    assert data == full()
    assert sum(repr(mutate_data(data, random.Random(seed))) != repr(data) for seed in range(200)) > 190


def test_plain_data_is_the_same_again_when_its_toml_is_read() -> None:
    data = full() | {"odd": {'a"\\\n\x7f🙂': ["\t", 1e-300, True, 10**30, {"": []}]}}
    assert tomllib.loads(toml.write(copy.deepcopy(data))) == data


def test_a_case_is_all_in_its_number(tmp_path: Path) -> None:
    cases = [protocols.bent(number, 5, tmp_path) for number in range(40)]
    assert cases == [protocols.bent(number, 5, tmp_path) for number in range(40)]
    assert len(set(cases)) == 40
    (tmp_path / "a").mkdir()
    written = [sources.bent(number, 5, tmp_path, tmp_path / "a").read_bytes() for number in range(4)]
    assert written == [sources.bent(number, 5, tmp_path, tmp_path / "a").read_bytes() for number in range(4)]
