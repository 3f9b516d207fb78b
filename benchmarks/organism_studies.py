"""Studies of the organism that differ in a few settings from the demonstration, run in one store."""

from __future__ import annotations

import tomllib
from importlib import resources
from pathlib import Path
from typing import Any

from titer.planning.freeze import freeze
from titer.protocol.loading import parse
from titer.run import run
from titer.study.folder import Study
from titer.study.store import Store


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
    protocol = parse(data)
    store = Store(folder / "store")
    place = folder / data["study"]["name"]
    place.mkdir(parents=True, exist_ok=True)
    study = Study(place, protocol, freeze(protocol, store), store)
    for _ in run(study, jobs):
        pass
    return study
