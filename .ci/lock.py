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
ELSEWHERE = ("httpx2-jsfetch",)
"""What is needed only where titer does not run."""
CUDA = re.compile(r"(nvidia|cuda|triton)\b")
CPU_BUILDS = " \\\n    --hash=sha256:6746dbcbeb526eb61330b76b41ff1b4eb848951103a892eeb080dfa2b264667b\n"
"""Of torch 2.13.0+cpu, from the index of its own makers: CPython 3.11 on Linux, x86-64."""
HEADER = "# Made by `make lock` from pyproject.toml and constraints.txt. pip install --require-hashes -r {}\n"


def main() -> None:
    """Resolve, and write the files."""
    left_out = [word for name in ELSEWHERE for word in ("--no-emit-package", name)]
    extras = [word for name in ("dev", "gguf", "docs", "view") for word in ("--extra", name)]
    needed = resolve(*left_out, "-c", "constraints.txt", *extras, "pyproject.toml")
    torch = [one.rstrip() + CPU_BUILDS for one in needed if one.startswith("torch==")]
    cuda = [one for one in needed if CUDA.match(one)]
    write("requirements-torch.lock", torch)
    write("requirements-cuda.lock", cuda)
    write("requirements.lock", [one for one in needed if one not in cuda and not one.startswith("torch==")])
    write(".ci/audit.lock", resolve("-", named="pip-audit==2.10.1"))


def resolve(*arguments: str, named: str = "") -> list[str]:
    """What is needed in all: each with its version and the digests of its files."""
    options = "--universal --python-version 3.11.5 --generate-hashes --no-annotate --no-header --quiet"
    called = [sys.executable, "-m", "uv", "pip", "compile", *options.split(), *arguments]
    found = subprocess.run(called, cwd=ROOT, check=True, input=named, stdout=subprocess.PIPE, text=True).stdout
    return re.findall(r"^\S.*?(?<!\\)\n", found, re.MULTILINE | re.DOTALL)


def write(name: str, needed: list[str]) -> None:
    """Write a lock."""
    (ROOT / name).write_text(HEADER.format(name) + "".join(needed), encoding="utf-8")


if __name__ == "__main__":
    main()
