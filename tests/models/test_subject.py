"""Loading, saving, exact snapshots, adapters, displacement."""

from __future__ import annotations

import contextlib
import importlib.util
import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import LoraConfig
from support.model_formats import adapt_by_hand, adapter_folder, shaken, write_gguf

from titer.data.organism import CHECKPOINT
from titer.errors import InputError
from titer.models.metadata import inspect
from titer.models.subject import Subject, fingerprint, load
from titer.testing import same, tiny_subject, weights

LORA: dict[str, Any] = {"rank": 2, "alpha": 4, "dropout": 0.0, "targets": "all-linear", "seed": 3}


def logits(subject: Subject) -> torch.Tensor:
    with torch.no_grad():
        output = subject.model(input_ids=torch.arange(20).reshape(2, 10)).logits
    assert isinstance(output, torch.Tensor)
    return output


def test_a_saved_subject_loads_as_it_was(tmp_path: Path) -> None:
    subject = tiny_subject()
    subject.save(tmp_path)
    loaded = load({"model": str(tmp_path)})
    assert same(weights(subject), weights(loaded))
    assert loaded.tokenizer.chat_template == subject.tokenizer.chat_template
    assert not loaded.model.training
    assert all(parameter.requires_grad for parameter in loaded.model.parameters())
    assert {path.suffix for path in tmp_path.iterdir()} == {".json", ".jinja", ".safetensors"}


def test_a_snapshot_restores_bit_for_bit_with_flags_and_mode() -> None:
    subject = tiny_subject()
    subject.model.get_input_embeddings().requires_grad_(False)
    before, flags = weights(subject), [own.requires_grad for own in subject.model.parameters()]
    with subject.restored():
        shaken(subject)
        subject.model.requires_grad_(True)
        subject.model.train()
        assert not same(before, weights(subject))
    assert same(before, weights(subject))
    assert [own.requires_grad for own in subject.model.parameters()] == flags
    assert not subject.model.training


def test_with_lora_only_the_adapter_is_copied_and_restored() -> None:
    subject = tiny_subject()
    with subject.adapt(**LORA):
        snapshot = subject.snapshot()
        assert {name.split(".")[-3] for name in snapshot.tensors} == {"lora_A", "lora_B"}
        before = weights(subject)
        shaken(subject)
        assert not same(before, weights(subject))
        subject.restore(snapshot)
        assert same(before, weights(subject))


def test_an_adapter_left_early_leaves_weights_flags_and_modules_as_they_were() -> None:
    subject = tiny_subject()
    before, modules = weights(subject), [type(module) for module in subject.model.modules()]
    with contextlib.suppress(KeyError), subject.adapt(**LORA):
        assert subject.adapted
        shaken(subject)
        with pytest.raises(InputError, match="on already"), subject.adapt(**LORA):
            pass
        raise KeyError
    assert same(before, weights(subject))
    assert [type(module) for module in subject.model.modules()] == modules
    assert all(own.requires_grad for own in subject.model.parameters())
    assert not subject.adapted


def test_an_adapter_run_out_is_merged_and_gone() -> None:
    subject = tiny_subject()
    before = weights(subject)
    with subject.adapt(**LORA):
        shaken(subject)
        merged = weights(subject)
    assert not subject.adapted
    assert same(merged, weights(subject))
    assert not same(before, weights(subject))
    assert all(own.requires_grad for own in subject.model.parameters())


def test_a_full_snapshot_takes_a_left_over_adapter_out() -> None:
    subject = tiny_subject()
    before, snapshot = weights(subject), subject.snapshot()
    adapting = subject.adapt(**LORA)
    adapting.__enter__()
    shaken(subject)
    subject.restore(snapshot)
    assert not subject.adapted
    assert same(before, weights(subject))
    assert all(own.requires_grad for own in subject.model.parameters())


def test_an_adapter_is_saved_merged(tmp_path: Path) -> None:
    subject = tiny_subject()
    with subject.adapt(**LORA):
        shaken(subject)
        subject.save(tmp_path)
        expected, merged = logits(subject), weights(subject)
        assert subject.adapted
    loaded = load({"model": str(tmp_path)})
    assert same(weights(loaded), merged)
    torch.testing.assert_close(logits(loaded), expected, atol=1e-5, rtol=1e-5)
    assert not (tmp_path / "adapter_config.json").exists()


def test_targets_that_are_nowhere_or_tied_are_refused() -> None:
    for targets, problem in ((("nowhere",), "nowhere"), (("embed_tokens",), "tied")):
        subject = tiny_subject()
        before = weights(subject)
        with pytest.raises(InputError, match=problem), subject.adapt(**{**LORA, "targets": targets}):
            pass
        assert same(before, weights(subject))


def test_displacement_is_relative_and_the_same_for_an_adapter() -> None:
    subject = tiny_subject()
    origin = subject.snapshot()
    assert subject.displacement(origin) == 0.0
    with torch.no_grad():
        subject.model.model.norm.weight += 3.0
    whole = math.sqrt(sum(float(own.detach().double().square().sum()) for own in tiny_subject().model.parameters()))
    assert subject.displacement(origin) == pytest.approx(3.0 * math.sqrt(16) / whole)
    subject.restore(origin)
    with subject.adapt(**LORA):
        assert subject.displacement(origin) == 0.0
        shaken(subject)
        through_adapter, merged = subject.displacement(origin), weights(subject)
    subject.model.load_state_dict(merged)
    assert through_adapter == pytest.approx(subject.displacement(origin), rel=1e-5)
    assert through_adapter > 0.01


def test_totals_do_not_count_an_adapter_or_tied_weights_twice() -> None:
    subject = tiny_subject()
    total = sum(own.numel() for own in subject.model.parameters())
    with subject.adapt(**LORA):
        assert subject.parameters_total == total
    assert subject.context_length == 128


def test_bfloat16_computes_over_float32_weights() -> None:
    subject = tiny_subject()
    coarse = Subject(subject.model, subject.tokenizer, dtype="bfloat16")
    ids, places = torch.arange(10)[None], torch.ones(1, 10, dtype=torch.bool)
    fine = subject.logits(ids, torch.ones_like(ids), places)
    rough = coarse.logits(ids, torch.ones_like(ids), places)
    assert rough.dtype == torch.float32
    assert next(coarse.model.parameters()).dtype == torch.float32
    assert not torch.equal(fine, rough)
    torch.testing.assert_close(fine, rough, atol=0.1, rtol=0.05)


def test_an_adapter_loads_merged_into_its_base(tmp_path: Path) -> None:
    tiny_subject().save(tmp_path / "base")
    source = {"model": str(adapter_folder(tmp_path)), "base": str(tmp_path / "base")}
    loaded, by_hand = load(source), tiny_subject()
    adapt_by_hand(by_hand, LoraConfig(r=2, lora_alpha=8, target_modules=["q_proj", "up_proj"]))
    assert not loaded.adapted
    assert all(own.requires_grad for own in loaded.model.parameters())
    torch.testing.assert_close(logits(loaded), logits(by_hand), atol=1e-5, rtol=1e-5)
    assert not torch.allclose(logits(loaded), logits(tiny_subject()), atol=1e-3)


def test_an_adapter_and_its_base_must_be_told_apart(tmp_path: Path) -> None:
    tiny_subject().save(tmp_path / "base")
    with pytest.raises(InputError, match=r"subject\.base: .*adapter without its base"):
        load({"model": str(adapter_folder(tmp_path))})
    with pytest.raises(InputError, match=r"subject\.model: .*adapter_config\.json"):
        load({"model": str(tmp_path / "base"), "base": str(tmp_path / "base")})


def test_an_unknown_model_is_named_with_a_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    (tmp_path / "empty").mkdir()
    for model in ("nobody/nothing", str(tmp_path / "empty")):
        with pytest.raises(InputError, match=r"subject\.model: .*cannot be read.*HF_TOKEN"):
            load({"model": model})
    for model in (str(tmp_path / "nowhere"), "./nowhere", "none.gguf"):
        with pytest.raises(InputError, match=r"subject\.model: there is no file or folder.*Name a folder"):
            load({"model": model})


def test_a_fingerprint_changes_with_weights_and_template_and_nothing_else(tmp_path: Path) -> None:
    subject = tiny_subject()
    subject.save(tmp_path / "one")
    subject.save(tmp_path / "two")
    (tmp_path / "two" / "README.md").write_text("a card")
    first = fingerprint({"model": str(tmp_path / "one")})
    assert fingerprint({"model": str(tmp_path / "two"), "revision": None}) == first
    (tmp_path / "two" / "chat_template.jinja").write_text("{{ messages }}")
    assert fingerprint({"model": str(tmp_path / "two")}) != first
    tiny_subject(1).save(tmp_path / "one")
    assert fingerprint({"model": str(tmp_path / "one")}) != first


def test_a_fingerprint_of_an_adapter_covers_both(tmp_path: Path) -> None:
    tiny_subject().save(tmp_path / "base")
    tiny_subject(1).save(tmp_path / "other")
    folder = str(adapter_folder(tmp_path))
    prints = {fingerprint({"model": folder, "base": str(tmp_path / name)}) for name in ("base", "other")}
    assert len(prints) == 2


def test_a_model_published_without_a_tokenizer_takes_that_of_another(tmp_path: Path) -> None:
    subject = tiny_subject()
    for name in ("parent", "bare"):
        subject.save(tmp_path / name)
    for name in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja"):
        (tmp_path / "bare" / name).unlink()
    source = {"model": str(tmp_path / "bare"), "tokenizer": str(tmp_path / "parent")}
    with pytest.raises(InputError, match="subject.model: the tokenizer of"):
        load({"model": source["model"]})
    loaded = load(source)
    assert same(weights(subject), weights(loaded))
    assert loaded.tokenizer.chat_template == subject.tokenizer.chat_template
    assert inspect(source, "defense.0.model").tokenizer.get_vocab() == subject.tokenizer.get_vocab()


def test_a_fingerprint_covers_a_tokenizer_that_lies_elsewhere(tmp_path: Path) -> None:
    for name in ("model", "one", "two"):
        tiny_subject().save(tmp_path / name)
    (tmp_path / "two" / "chat_template.jinja").write_text("{{ messages }}")
    model = str(tmp_path / "model")
    named = {fingerprint({"model": model, "tokenizer": str(tmp_path / name)}) for name in ("one", "two")}
    assert len({*named, fingerprint({"model": model})}) == 3
    with pytest.raises(InputError, match=r"defense\.0\.tokenizer: there is no file or folder"):
        fingerprint({"model": model, "tokenizer": str(tmp_path / "nowhere")}, "defense.0.model")


def test_the_organism_is_a_name() -> None:
    if not (CHECKPOINT / "config.json").exists():
        pytest.skip("the organism's checkpoint has not been made")
    assert fingerprint({"model": "organism"}) == fingerprint({"model": str(CHECKPOINT)})
    assert load({"model": "organism"}).parameters_total > 100_000


@pytest.mark.skipif(importlib.util.find_spec("gguf") is None, reason="the package gguf is not installed")
def test_a_gguf_file_loads_as_an_ordinary_model(tmp_path: Path) -> None:
    subject = tiny_subject()
    path = tmp_path / "tiny.gguf"
    write_gguf(path, subject)
    loaded = load({"model": str(path)})
    torch.testing.assert_close(logits(loaded), logits(subject), atol=1e-5, rtol=1e-5)
    assert loaded.tokenizer.chat_template == subject.tokenizer.chat_template
    loaded.save(tmp_path / "saved")
    again = load({"model": str(tmp_path / "saved")})
    assert torch.equal(logits(again), logits(loaded))
    assert fingerprint({"model": str(path)}) == fingerprint({"model": str(path)})


def test_a_hub_id_loads_offline_from_the_cache(tmp_path: Path) -> None:
    """In a process of its own: where the cache is and that there is no network is settled at import."""
    commit = "0123456789abcdef0123456789abcdef01234567"
    folder = tmp_path / "models--some--model"
    tiny_subject().save(folder / "snapshots" / commit)
    (folder / "refs").mkdir()
    (folder / "refs" / "main").write_text(commit)
    script = (
        "from titer.models.subject import fingerprint, load\n"
        "source = {'model': 'some/model'}\n"
        f"assert fingerprint(source) == fingerprint({{**source, 'revision': '{commit}'}})\n"
        f"print(load(source).parameters_total, load({{**source, 'revision': '{commit}'}}).parameters_total)\n"
    )
    environment = {**os.environ, "HF_HUB_CACHE": str(tmp_path), "HF_HUB_OFFLINE": "1"}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=False)
    assert done.stdout.split() == [str(tiny_subject().parameters_total)] * 2, done.stderr
