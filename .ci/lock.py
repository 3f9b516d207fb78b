"""Write the locks of what titer needs from pyproject.toml and constraints.txt: `make lock`.

They list every file of a release, for Linux and macOS, with its digest, so that pip takes no other. torch has a lock
of its own, since its CPU build comes from an index of its own; and so has what only its CUDA build needs: gigabytes
that a machine without a GPU does without.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
ELSEWHERE = ("colorama", "httpx2-jsfetch")
"""What is needed only where titer does not run."""
CUDA = re.compile(r"(nvidia|cuda|triton)\b")
CPU_BUILDS = ("6746dbcbeb526eb61330b76b41ff1b4eb848951103a892eeb080dfa2b264667b",)
"""Of torch 2.13.0+cpu, from the index of its own makers: CPython 3.11 on Linux, x86-64."""
HEADER = "# Made by `make lock` from pyproject.toml and constraints.txt. pip install --require-hashes -r {}\n"


def main() -> None:
    """Resolve, and write the files."""
    options = "--universal --python-version 3.11 --generate-hashes --no-annotate --no-header --quiet"
    left_out = [word for name in ELSEWHERE for word in ("--no-emit-package", name)]
    named = ["-c", "constraints.txt", "--extra", "dev", "--extra", "gguf", "pyproject.toml"]
    called = [sys.executable, "-m", "uv", "pip", "compile", *options.split(), *left_out, *named]
    resolved = subprocess.run(called, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    needed = re.findall(r"^\S.*?(?<!\\)\n", resolved, re.MULTILINE | re.DOTALL)
    torch = "".join(f" \\\n    --hash=sha256:{digest}" for digest in CPU_BUILDS)
    _write("requirements-torch.lock", [one.rstrip() + torch + "\n" for one in needed if one.startswith("torch==")])
    _write("requirements-cuda.lock", [one for one in needed if CUDA.match(one)])
    _write("requirements.lock", [one for one in needed if not CUDA.match(one) and not one.startswith("torch==")])


def _write(name: str, needed: list[str]) -> None:
    (ROOT / name).write_text(HEADER.format(name) + "".join(needed), encoding="utf-8")


if __name__ == "__main__":
    main()
