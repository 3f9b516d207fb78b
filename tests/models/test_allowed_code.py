"""Code that a model brings along is run if the protocol names it, every piece of it, and not otherwise."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from support.command import Here
from support.hostile_models import HOSTILE, set_key
from support.studies import write_toml
from support.tiny_study import tiny_protocol

from titer.errors import InputError
from titer.models.metadata import inspect
from titer.models.subject import load
from titer.protocol.schema import SubjectConfig
from titer.testing import same, tiny_subject, weights

OWN = "modeling_own.OwnForCausalLM"


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A model with a class of its own, which works."""
    monkeypatch.setattr("transformers.dynamic_module_utils.HF_MODULES_CACHE", str(tmp_path / "modules"))
    folder = tmp_path / "own"
    tiny_subject().save(folder)
    (folder / "modeling_own.py").write_text(
        "from transformers import LlamaForCausalLM\n\n\nclass OwnForCausalLM(LlamaForCausalLM):\n    pass\n"
    )
    set_key("config.json", "auto_map", {"AutoModelForCausalLM": OWN})(folder, tmp_path)
    return folder


def test_code_that_is_named_is_run(own: Path) -> None:
    source = {"model": str(own), "revision": None, "trust_remote_code": [OWN]}
    loaded = load(source)
    assert type(loaded.model).__module__.startswith("transformers_modules")
    assert same(weights(loaded), weights(tiny_subject()))
    assert inspect(source, "subject.model").parameters == loaded.parameters_total


@pytest.mark.parametrize("allowed", [False, [], ["modeling_own.Another"], [OWN.lower()]])
def test_code_that_is_not_named_is_refused_with_what_to_write(own: Path, allowed: Any) -> None:
    with pytest.raises(InputError, match=rf'auto_map.*If you have read that code, add "{OWN}" to subject\.trust_re'):
        load({"model": str(own), "trust_remote_code": allowed})


def test_one_name_does_not_allow_another(own: Path, tmp_path: Path) -> None:
    set_key("tokenizer_config.json", "auto_map", {"AutoTokenizer": ["tokens.Own", None]})(own, tmp_path)
    with pytest.raises(InputError, match=r"tokenizer_config\.json.*'tokens\.Own'"):
        load({"model": str(own), "trust_remote_code": [OWN]})


def test_a_protocol_names_code_and_does_not_just_trust() -> None:
    assert SubjectConfig.model_validate({"model": "m"}).trust_remote_code is False
    assert SubjectConfig.model_validate({"model": "m", "trust_remote_code": []}).trust_remote_code is False
    named = SubjectConfig.model_validate({"model": "m", "trust_remote_code": [OWN]})
    assert named.trust_remote_code == (OWN,)
    assert SubjectConfig.from_json(named.to_json()) == named
    for wrong in (True, "x", 3, [3], [""]):
        with pytest.raises(ValidationError, match="name the code" if wrong is True else None):
            SubjectConfig.model_validate({"model": "m", "trust_remote_code": wrong})


@pytest.mark.parametrize("name", ["pickle of torch", "auto_map of the model", "kernel of the community"])
def test_plan_refuses_a_hostile_model_as_bad_input(name: str, tiny_file: Path, tmp_path: Path, here: Here) -> None:
    spoil, parts = HOSTILE[name]
    data = tiny_protocol(tiny_file.parent / "inputs")
    folder, canary = shutil.copytree(data["subject"]["model"], tmp_path / "model"), tmp_path / "canary"
    spoil(folder, canary)
    write_toml(tmp_path / "p.toml", data | {"subject": {"model": str(folder)}})
    done = here("plan", tmp_path / "p.toml", "--out", tmp_path / "study")
    assert (done.code, done.out, canary.exists()) == (2, "", False)
    assert all(part in done.err for part in parts), done.err


def test_a_defense_that_is_a_model_is_looked_at_as_well(tiny_file: Path, tmp_path: Path, here: Here) -> None:
    data = tiny_protocol(tiny_file.parent / "inputs")
    folder = shutil.copytree(data["subject"]["model"], tmp_path / "model")
    set_key("config.json", "auto_map", {"AutoConfig": "own.Own"})(folder, tmp_path)
    write_toml(tmp_path / "p.toml", data | {"defense": [{"name": "checkpoint", "model": str(folder)}]})
    done = here("plan", tmp_path / "p.toml", "--out", tmp_path / "study")
    assert done.code == 2
    assert "defense.0.model: " in done.err
    assert 'add "own.Own" to defense.0.trust_remote_code' in done.err
    assert json.loads((folder / "config.json").read_text())["auto_map"]
