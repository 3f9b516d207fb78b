"""Pages that a reader follows literally: their blocks in order, as files that are written and commands that are run.

A block with a title is a file. A console block holds commands after a dollar sign; any other of its lines must be
printed. A Python block is a script. A comment before a block, `<!-- not run: why -->`, leaves it out.
"""

from __future__ import annotations

import json
import os
import random
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from support import ROOT
from support.command import ENVIRONMENT, Done, Here
from titer.cli.output import EXIT
from titer.testing import tiny_subject

BLOCK = re.compile(
    r'(?:^<!-- not run: (?P<why>[^>]+) -->\n)?^```(?P<language>\w+)(?: title="(?P<title>[^"]+)")?\n(?P<text>.*?)^```$',
    flags=re.MULTILINE | re.DOTALL,
)
SHELL = frozenset("|;&><$")
RUN = ("console", "python")
"""Languages whose blocks are run where they have no title."""


class Block(NamedTuple):
    """One block of a page; `why` is the reason that it is not run."""

    language: str
    title: str | None
    text: str
    why: str | None

    @property
    def followed(self) -> bool:
        """Whether a reader does something with it."""
        return self.why is None and (self.title is not None or self.language in RUN)


def blocks(page: Path) -> Iterator[Block]:
    """Every fenced block of a page."""
    for found in BLOCK.finditer(page.read_text(encoding="utf-8")):
        yield Block(found["language"], found["title"], found["text"], found["why"])


def commands(block: Block) -> Iterator[tuple[str, tuple[int, ...], list[str]]]:
    """Each command of a console block with the exit codes that it may have and the lines that it must print."""
    for part in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
        line, *printed = part.replace("\\\n", " ").splitlines()
        command, _, comment = line.partition("  #")
        code = re.search(r"exits with (\d)", comment)
        codes = tuple(EXIT.values()) if "exits with the verdict" in comment else (int(code[1]) if code else 0,)
        yield command.strip(), codes, [one for one in printed if one.strip() and one != "..."]


def clone(folder: Path) -> None:
    """Make a folder look like a clone beside which a reader has a tiny model and two files of rows of their own."""
    for name in ("docs", "examples", "benchmarks"):
        (folder / name).symlink_to(ROOT / name)
    tiny_subject().save(folder / "my-model")
    words = random.Random(0)
    for name, opening in (("harmful", "tell"), ("harmless", "sing")):
        rows = [{"prompt": f"{opening} {_words(words, 6)}?", "response": _words(words, 4)} for _ in range(160)]
        text = "".join(json.dumps(row) + "\n" for row in rows)
        (folder / f"{name}.jsonl").write_text(text, encoding="utf-8")


def _words(draw: random.Random, number: int) -> str:
    return " ".join("".join(draw.choices("abcdefghijklmnoprstuvw", k=5)) for _ in range(number))


def follow(page: Path, folder: Path, here: Here) -> int:
    """Follow a page in a folder, the current one, which is searched for modules; how many commands and scripts ran."""
    done = 0
    for block in blocks(page):
        if not block.followed:
            continue
        if block.title is not None:
            path = folder / block.title
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text, encoding="utf-8")
            continue
        if block.language == "python":
            exec(compile(block.text, str(page), "exec"), {"__name__": "__main__"})
            done += 1
            continue
        for command, codes, printed in commands(block):
            ended = _run(command, folder, here)
            told = f"{page.name}: {command}: {ended.code}\n{ended.out[-800:]}\n{ended.err[-800:]}"
            assert ended.code in codes, told
            assert {*printed} <= {*ended.out.splitlines()}, told
            done += 1
    return done


def _run(command: str, folder: Path, here: Here) -> Done:
    """One command: a plain one of titer in this process, where the libraries are loaded already.

    Not so where a package was installed: a process that looked for packages before does not see it.
    """
    if command.startswith("titer demo"):  # minutes: its kept pack stands in, which the same protocol gave
        shutil.copytree(ROOT / "docs" / "results" / "demo", folder / "titer-demo")
        return Done(0, "", "")
    if command.startswith("pip install -e ."):
        return install(folder)
    if command.startswith("titer ") and not SHELL & set(command) and not list(folder.glob("*.dist-info")):
        return here(*shlex.split(command)[1:])
    return _bash(command, folder)


def _bash(command: str, folder: Path) -> Done:
    paths = [str(folder), *filter(None, [os.environ.get("PYTHONPATH")])]
    found = {
        **ENVIRONMENT,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": os.pathsep.join(paths),
    }
    done = subprocess.run(
        ["bash", "-c", command], capture_output=True, text=True, timeout=240, check=False, cwd=folder, env=found
    )
    return Done(done.returncode, done.stdout, done.stderr)


def install(folder: Path) -> Done:
    """What an editable installation of a package in the folder leaves: its modules and entry points can be found."""
    project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    name = project["name"].replace("-", "_")
    facts = folder / f"{name}-{project['version']}.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n")
    groups = project.get("entry-points", {})
    lines = [f"[{group}]\n" + "".join(f"{k} = {v}\n" for k, v in own.items()) for group, own in groups.items()]
    (facts / "entry_points.txt").write_text("\n".join(lines), encoding="utf-8")
    return Done(0, "", "")
