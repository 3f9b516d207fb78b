"""A model of which one file was bent at random is taken, or refused with its place: nothing else ever comes of it."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from benchmarks.fuzz.model_files import FILES, bent
from titer.errors import InputError
from titer.models.metadata import inspect


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("gguf")
    return tmp_path_factory.mktemp("inputs")


@pytest.mark.parametrize("file", range(len(FILES)), ids=FILES)
def test_a_bent_model_is_taken_or_refused(file: int, inputs: Path, tmp_path: Path) -> None:
    ended = []
    for round_ in range(3):
        folder = tmp_path / str(round_)
        folder.mkdir()
        protocol = bent(file + round_ * len(FILES), 0, inputs, folder)
        subject = tomllib.loads(protocol.read_text(encoding="utf-8"))["subject"]
        try:
            inspect({"revision": None, "base": None, "trust_remote_code": False, **subject}, "subject.model")
        except InputError as error:
            ended.append(error.place)
        else:
            ended.append("taken")
    assert set(ended) <= {"taken", "subject.model", "subject.base"}
