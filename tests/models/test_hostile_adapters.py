"""Adapters from safetensors only, their configuration taken over key by key: nothing it names is imported."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from support.hostile_models import Spoil, both, code, cut, pickled, pickled_by_torch, set_key, without
from support.model_formats import adapter_folder

from titer.errors import InputError
from titer.models import adapter_config
from titer.models.metadata import inspect
from titer.models.subject import fingerprint, load
from titer.testing import tiny_subject

CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
HOSTILE: Mapping[str, tuple[Spoil, tuple[str, ...]]] = {
    "pickle": (
        pickled("adapter_model.bin", WEIGHTS),
        ("adapter_model.bin", "is a pickle", "Convert it to safetensors"),
    ),
    "pickle of torch": (pickled_by_torch("adapter_model.bin", WEIGHTS), ("adapter_model.bin", "is a pickle")),
    "no weights": (without(WEIGHTS), ("there are no weights", WEIGHTS)),
    "cut weights": (cut(WEIGHTS, 500), (WEIGHTS, "cannot be read")),
    "class of the base by library": (
        both(
            set_key(CONFIG, "auto_mapping", {"base_model_class": "Own", "parent_library": "canary"}), code("canary.py")
        ),
        (CONFIG, "auto_mapping", "'canary'"),
    ),
    "library for parallel layers": (
        both(set_key(CONFIG, "megatron_config", {}), set_key(CONFIG, "megatron_core", "canary"), code("canary.py")),
        (CONFIG, "megatron_core"),
    ),
    "first matrices from a file": (
        both(
            set_key(CONFIG, "init_lora_weights", "corda"),
            set_key(CONFIG, "corda_config", {"cache_file": "adapter_model.bin"}),
        ),
        (CONFIG, "corda_config"),
    ),
    "an unknown start": (set_key(CONFIG, "init_lora_weights", "eva"), (CONFIG, "init_lora_weights = eva")),
    "another kind": (set_key(CONFIG, "peft_type", "XLORA"), (CONFIG, "XLORA adapter", "Only LoRA")),
    "weights of its own": (set_key(CONFIG, "modules_to_save", ["lm_head"]), (CONFIG, "modules_to_save")),
    "a rank without end": (set_key(CONFIG, "r", 10**12), (CONFIG, "rank")),
    "remote code": (set_key(CONFIG, "auto_map", {"AutoModel": "own.Own"}), (CONFIG, "auto_map", "own.Own")),
    "modules that are not there": (set_key(CONFIG, "target_modules", ["nowhere"]), ("nowhere",)),
    "a pattern without end": (
        set_key(CONFIG, "target_modules", "((.+)+)+!"),
        (CONFIG, "a pattern that is matched for 1 s"),
    ),
    "no pattern": (set_key(CONFIG, "rank_pattern", {"(": 3}), (CONFIG, "cannot be read")),
    "no modules": (set_key(CONFIG, "target_modules", 3), ("subject.",)),
}


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clean")
    tiny_subject().save(folder / "base")
    adapter_folder(folder / "adapter")
    return folder


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_adapter_is_refused_and_nothing_of_it_is_run(
    name: str, clean: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoil, parts = HOSTILE[name]
    folder, canary = shutil.copytree(clean, tmp_path / "model"), tmp_path / "canary"
    spoil(folder / "adapter", canary)
    monkeypatch.setattr(adapter_config, "SECONDS", 1.0)
    monkeypatch.syspath_prepend(folder / "adapter")
    source: dict[str, Any] = {"model": str(folder / "adapter"), "base": str(folder / "base")}
    for use in (load, lambda named: inspect(named, "subject.model")):
        with pytest.raises(InputError) as refused:
            use(source)
        message = str(refused.value)
        assert all(part in message for part in parts), message
    assert not canary.exists()
    assert "canary" not in sys.modules


def test_a_base_that_asks_for_code_is_refused_under_its_own_name(clean: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(clean, tmp_path / "model")
    set_key("config.json", "auto_map", {"AutoConfig": "own.Own"})(folder / "base", tmp_path)
    with pytest.raises(InputError, match=r"subject\.base: .*config\.json.* asks at auto_map.*own\.Own"):
        load({"model": str(folder / "adapter"), "base": str(folder / "base")})


def test_the_base_that_an_adapter_names_itself_is_never_looked_for(clean: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(clean, tmp_path / "model")
    mapping = {"base_model_class": "LlamaForCausalLM", "parent_library": "transformers.models.llama.modeling_llama"}
    set_key(CONFIG, "base_model_name_or_path", "nobody/nothing")(folder / "adapter", tmp_path)
    set_key(CONFIG, "auto_mapping", mapping)(folder / "adapter", tmp_path)
    assert not load({"model": str(folder / "adapter"), "base": str(folder / "base")}).adapted


def test_a_fingerprint_covers_the_weights_and_the_configuration_of_both(clean: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(clean, tmp_path / "model")
    source = {"model": str(folder / "adapter"), "base": str(folder / "base")}
    prints = [fingerprint(source)]
    for path in (folder / "adapter" / CONFIG, folder / "base" / "generation_config.json"):
        path.write_text(json.dumps(json.loads(path.read_text()) | {"another": 1}))
        prints.append(fingerprint(source))
    (folder / "adapter" / "added").mkdir()
    (folder / "adapter" / "added" / "file.of.any.ending").write_text("x")
    assert len({*prints, fingerprint(source)}) == 4
