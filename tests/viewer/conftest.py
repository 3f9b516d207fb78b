"""A folder of studies, packed ones, one that is being written, and a damaged one; and its server."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import ROOT
from support.command import start
from support.studies import begin

PACKED = {
    "demo": "demo",
    "margin": "margin",
    "plain": "seed-finding/weight-0-clamp-7",
    "clamped": "seed-finding/weight-1-clamp-7",
}
HOSTILE = "<script>window.stolen = 1</script>\u202e\x1b[31m"


@pytest.fixture(scope="session")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder."""
    folder = tmp_path_factory.mktemp("shown")
    for name, pack in PACKED.items():
        shutil.copytree(ROOT / "docs" / "results" / pack, folder / name)
    begin(folder, name="under-way")
    damaged = folder / "deep" / "damaged"
    damaged.mkdir(parents=True)
    (damaged / "protocol.toml").write_text("[study]\nname = " + json.dumps(HOSTILE) + "\n", encoding="utf-8")
    (folder / "secret.txt").write_text("not a study", encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def address(shown: Path) -> Iterator[str]:
    """Where it is served, by the command itself."""
    with start("view", shown, "--port", 0) as server:
        try:
            assert server.stdout is not None
            said = re.search(r"http://[\w.:]+/", server.stdout.readline())
            assert said is not None
            yield said.group().rstrip("/")
        finally:
            server.terminate()
