"""A model whose files ask for code, or are not what they claim, is refused by name before anything of it is run."""

from __future__ import annotations

import gc
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.hostile_models import HOSTILE

from titer.errors import InputError
from titer.models import conversation
from titer.models.chat_format import encode_prompt
from titer.models.metadata import inspect
from titer.models.subject import load
from titer.records import Frame
from titer.testing import tiny_subject


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clean") / "model"
    tiny_subject().save(folder)
    return folder


@pytest.fixture(scope="module", autouse=True)
def frozen_heap() -> Iterator[None]:
    """What was there before is not looked through for garbage, which takes longer than the limit of a template."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conversation, "SECONDS", 1.0)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_model_is_refused_and_nothing_of_it_is_run(name: str, clean: Path, tmp_path: Path) -> None:
    spoil, parts = HOSTILE[name]
    folder, canary = shutil.copytree(clean, tmp_path / "model"), tmp_path / "canary"
    spoil(folder, canary)
    source = {"model": str(folder), "revision": None, "base": None, "trust_remote_code": False}

    def asked() -> None:
        encode_prompt(inspect(source, "subject.model").tokenizer, "what is it?", Frame())

    def loaded() -> None:
        encode_prompt(load(source).tokenizer, "what is it?", Frame())

    for use in (asked, loaded):
        with pytest.raises(InputError) as refused:
            use()
        message = str(refused.value)
        assert all(part in message for part in parts), message
        assert len(message) < 2000
    assert not canary.exists()
