"""What a subject is saved as depends on the subject alone: not on where, nor on the environment of the process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from titer.testing import tiny_subject

SCRIPT = """
import os, sys
from titer.models.subject import load
os.umask(int(sys.argv[3], 8))
load({"model": sys.argv[1]}).save(sys.argv[2])
"""
ENVIRONMENTS: tuple[dict[str, str], ...] = (
    {"HF_HUB_OFFLINE": "1", "LC_ALL": "C", "PYTHONHASHSEED": "1", "TOKENIZERS_PARALLELISM": "true", "TZ": "UTC"},
    {
        "HF_HUB_OFFLINE": "0", "LC_ALL": "C.UTF-8", "PYTHONUTF8": "1", "PYTHONHASHSEED": "2",
        "TOKENIZERS_PARALLELISM": "false", "TZ": "Asia/Tokyo", "TRANSFORMERS_VERBOSITY": "info", "USER": "another",
        "SAFETENSORS_FAST_GPU": "1", "HF_TOKEN": "hf_none", "COLUMNS": "40",
    },
)  # fmt: skip


def test_a_saved_subject_has_the_same_bytes_anywhere(tmp_path: Path) -> None:
    tiny_subject().save(tmp_path / "model")
    saved = []
    for place, own in enumerate(ENVIRONMENTS):
        here = tmp_path / f"here{place}"
        here.mkdir()
        model = [str(tmp_path / "model"), "../model"][place]
        environment = {**os.environ, **own, "HOME": str(here), "HF_HOME": str(here)}
        arguments = [sys.executable, "-c", SCRIPT, model, "saved", ["022", "077"][place]]
        subprocess.run(arguments, env=environment, cwd=here, check=True, capture_output=True)
        saved.append({path.name: path.read_bytes() for path in (here / "saved").iterdir()})
    assert saved[0] == saved[1]
    assert b"local_files_only" not in saved[0]["tokenizer_config.json"]
