"""Studies of the organism that differ in a few settings from the demonstration, run in one store."""

from __future__ import annotations

import tomllib
from importlib import resources
from pathlib import Path
from typing import Any

from benchmarks.fuzz import toml
from titer.planning.freeze import open_study
from titer.run import run
from titer.study.folder import PROTOCOL, Study


def demo() -> dict[str, Any]:
    """The protocol of the demonstration as plain data."""
    text = resources.files("titer.cli.protocols").joinpath("demo.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def finished(folder: Path, data: dict[str, Any], jobs: int) -> Study:
    """A study of this protocol, run to its end, in the store that all of them share.

    Args:
        folder: where the studies are, each in a folder of its name, and their store.
        data: the protocol.
        jobs: workers.
    """
    place = folder / data["study"]["name"]
    if not place.exists():
        place.mkdir(parents=True)
        (place / PROTOCOL).write_text(toml.write(data), encoding="utf-8")
    study = open_study(place, folder.resolve() / "store")
    for _ in run(study, jobs):
        pass
    return study
