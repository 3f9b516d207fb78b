"""What is known of a subject before it is loaded."""

from __future__ import annotations

import json
import os
import subprocess
import sys
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
    shards = {name: f"model-{number > 4}.safetensors" for number, name in enumerate(sorted(tensors))}
    for shard in set(shards.values()):
        save_file({name: tensors[name] for name in tensors if shards[name] == shard}, tmp_path / shard)
    index = {"metadata": {}, "weight_map": shards}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps(index))
    assert inspect(source, "subject.model").parameters == expected


def test_weights_of_a_hub_id_that_are_not_there_yet_are_counted_by_its_configuration(tmp_path: Path) -> None:
    """In a process of its own: where the cache is and that there is no network is settled at import."""
    commit = "0123456789abcdef0123456789abcdef01234567"
    folder = tmp_path / "models--some--model"
    tiny_subject().save(folder / "snapshots" / commit)
    (folder / "snapshots" / commit / "model.safetensors").unlink()
    (folder / "refs").mkdir()
    (folder / "refs" / "main").write_text(commit)
    script = (
        "from titer.models.metadata import inspect\n"
        "found = inspect({'model': 'some/model', 'revision': None, 'trust_remote_code': False}, 'subject.model')\n"
        "print(found.parameters, found.shell.parameters_total)\n"
    )
    environment = {**os.environ, "HF_HUB_CACHE": str(tmp_path), "HF_HUB_OFFLINE": "1"}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=False)
    assert done.stdout.split() == [str(tiny_subject().parameters_total)] * 2, done.stderr
