"""What a subject is saved as depends on the subject alone: not on where, nor on the environment of the process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from titer.models.subject import load
from titer.testing import tiny_subject

SCRIPT = """
import os, sys
from titer.models.subject import load
os.umask(int(sys.argv[3], 8))
load({"model": sys.argv[1]}).save(sys.argv[2])
"""
ELSEWHERE = {
    "HF_HUB_OFFLINE": "0", "LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0", "PYTHONHASHSEED": "2",
    "TOKENIZERS_PARALLELISM": "false", "TZ": "Asia/Tokyo", "TRANSFORMERS_VERBOSITY": "info", "USER": "another",
    "SAFETENSORS_FAST_GPU": "1", "HF_TOKEN": "hf_none", "COLUMNS": "40",
}  # fmt: skip


def test_a_saved_subject_has_the_same_bytes_anywhere(tmp_path: Path) -> None:
    tiny_subject().save(tmp_path / "model")
    load({"model": str(tmp_path / "model")}).save(tmp_path / "here")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    arguments = [sys.executable, "-c", SCRIPT, "../model", "saved", "077"]
    environment = {**os.environ, **ELSEWHERE, "HOME": str(elsewhere), "HF_HOME": str(elsewhere)}
    subprocess.run(arguments, env=environment, cwd=elsewhere, check=True, capture_output=True)
    here, there = (
        {path.name: path.read_bytes() for path in folder.iterdir()}
        for folder in (tmp_path / "here", elsewhere / "saved")
    )
    assert here == there
    assert b"local_files_only" not in here["tokenizer_config.json"]
