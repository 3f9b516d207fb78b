"""Small studies of the organism whose defense is worth nothing, each begun as a vendor would who wants `upheld`."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

from support.executors import InProcess
from support.studies import write_toml
from titer.conclude import conclude
from titer.planning.freeze import open_study
from titer.run import run
from titer.study.folder import Study

Change = Callable[[dict[str, Any]], None]

NOISE = {"name": "weight_noise", "sigma": 1.0}
"""A defense that keeps back what it has destroyed."""
DIRECT = {"name": "direct", "lr": 5e-5, "batch": 8}


def small(change: Change) -> dict[str, Any]:
    """The demo's protocol, made small: one word is given, 40 prompts a seed, two tasks of 60; then changed in place."""
    data = tomllib.loads(files("titer.cli.protocols").joinpath("demo.toml").read_text(encoding="utf-8"))
    data["study"]["name"] = "gaming"
    data["defense"] = [NOISE]
    for domain in data["harm"]["domain"]:
        domain["splits"] |= {"probe": 40}
    data["benign"][0]["splits"]["over_refusal"] = 60
    data["attacker"] = {
        "budget": {"steps": 8, "prefilled": 1},
        "ladder": [0, 8, 16],
        "sham": False,
        "attack": [{"name": "prefill", "opening": "the", "ladder": {"prefilled": [0, 1]}}],
    }
    data["task"] = data["task"][:2]
    for task in data["task"]:
        task["splits"] = {"verdict": 60}
    data["stability"]["margin"] = 0.1
    del data["trainability"]
    change(data)
    return data


def began(folder: Path, store: Path, change: Change) -> Study:
    """Such a study, run to its end in this process.

    Raises:
        InputError: if titer refuses to begin it.
    """
    write_toml(folder / "protocol.toml", small(change))
    study = open_study(folder, store)
    for _ in run(study, executor=InProcess):
        pass
    conclude(study)
    return study
