"""A model that brings code along which the protocol names: loaded, kept in the store, and loaded from there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from titer.errors import InputError
from titer.execution.inputs import open_subject
from titer.models.subject import load
from titer.records import Compute, SubjectRef
from titer.study.store import Store
from titer.testing import tiny_subject

OWN = "modeling_own.Own"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A tiny model whose class is its own, and says so."""
    subject = tiny_subject()
    subject.save(tmp_path / "model")
    base = type(subject.model).__name__
    path = tmp_path / "model" / "config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(config | {"auto_map": {"AutoModelForCausalLM": OWN}}), encoding="utf-8")
    code = f"from transformers import {base}\n\n\nclass Own({base}):\n    own = True\n"
    (tmp_path / "model" / "modeling_own.py").write_text(code, encoding="utf-8")
    return tmp_path / "model"


def test_it_is_loaded_with_its_code_wherever_it_was_saved(folder: Path, tmp_path: Path) -> None:
    source = {"model": str(folder), "revision": None, "base": None, "trust_remote_code": [OWN]}
    subject = load(source)
    assert type(subject.model).own  # type: ignore[attr-defined]
    store = Store(tmp_path / "store")
    store.claim()
    store.write_folder(store.subject("made"), subject.save)
    ref = SubjectRef(key="given", source=source).made("made")
    assert ref.code == (OWN,)
    again = open_subject(ref, store, Compute())
    assert type(again.model).own  # type: ignore[attr-defined]
    with pytest.raises(InputError, match=f"config.json.*asks at auto_map.*{OWN}"):
        open_subject(SubjectRef(key="made"), store, Compute())


def test_a_node_of_a_model_without_code_has_the_data_that_it_had() -> None:
    ref = SubjectRef(key="given", source={"model": "m", "trust_remote_code": False}).made("made")
    assert ref.to_data() == {"key": "made", "source": None}
