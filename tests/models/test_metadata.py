"""What is known of a subject before it is loaded."""

from __future__ import annotations

from pathlib import Path

from safetensors.torch import load_file, save_file

from titer.models.metadata import inspect
from titer.models.subject import load
from titer.testing import tiny_subject


def test_weights_are_counted_over_all_files_of_a_folder(tmp_path: Path) -> None:
    tiny_subject().save(tmp_path)
    source = {"model": str(tmp_path), "trust_remote_code": False, "revision": None}
    expected = load(source).parameters_total
    assert inspect(source, "subject.model").parameters == expected
    whole = tmp_path / "model.safetensors"
    tensors = load_file(whole)
    whole.unlink()
    for number, names in enumerate((sorted(tensors)[:5], sorted(tensors)[5:])):
        save_file({name: tensors[name] for name in names}, tmp_path / f"model-{number}.safetensors")
    assert inspect(source, "subject.model").parameters == expected


def test_weights_that_are_not_there_yet_are_not_counted(tmp_path: Path) -> None:
    tiny_subject().save(tmp_path)
    (tmp_path / "model.safetensors").unlink()
    source = {"model": str(tmp_path), "trust_remote_code": False, "revision": None}
    assert inspect(source, "subject.model").parameters is None
