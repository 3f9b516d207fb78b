"""Studies that begin in a folder as a user's do, small ones, and a way to finish them within the process."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from support.tiny_study import tiny_protocol
from titer.analysis.concluding import cells_of
from titer.execution.worker import work
from titer.planning.freeze import open_study
from titer.planning.plan import Planner
from titer.planning.search.attack_search import AttackSearch
from titer.planning.search.attack_searches import AttackSearches
from titer.records import Role
from titer.study.folder import PROTOCOL, Study, read_study
from titer.study.sealing import seal
from titer.study.tasks import Task
from titer.study.view import StoreView


def small_protocol(folder: Path) -> dict[str, Any]:
    """Two seeds, two domains, no trainability; M breaks at 4 steps and is broken within the ladder."""
    data = tiny_protocol(folder)
    data["study"] = {"name": "small", "seeds": {"attack": 2}, "descriptive": True}
    data["attacker"] |= {"budget": {"steps": 4}, "ladder": [0, 2, 4, 8]}
    data["defense"] = [{"name": "refusal_sft", "train_steps": 4, "lr": 1e-3, "batch": 4}]
    for domain in data["harm"]["domain"]:
        domain["splits"]["probe"] = 16
    data["task"] = [data["task"][1]]
    del data["trainability"]
    return data


def write_toml(path: Path, data: dict[str, Any]) -> None:
    """Plain data as TOML, one inline table a key."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{key} = {_toml(value)}\n" for key, value in data.items()), encoding="utf-8")


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {_toml(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return json.dumps(value)


def begin(
    folder: Path,
    change: Callable[[dict[str, Any]], None] = lambda data: None,
    *,
    name: str = "study",
    store: Path | None = None,
) -> Study:
    """Open the small study, changed in place by `change`, in `folder`/`name`; its inputs are in `folder`/in."""
    data = small_protocol(folder / "in")
    change(data)
    write_toml(folder / name / "protocol.toml", data)
    return open_study(folder / name, store)


def copied(folder: Path, to: Path) -> Study:
    """A copy of the folder of a study, with its store, to be changed; its inputs stay where they are."""
    return read_study(shutil.copytree(folder, to))


def begin_again(study: Study, folder: Path) -> Study:
    """Open another study of the same protocol and inputs."""
    folder.mkdir()
    shutil.copyfile(study.folder / PROTOCOL, folder / PROTOCOL)
    return open_study(folder)


def finish(study: Study, ask: Callable[[Study], Planner] = Planner, *, last_first: bool = False) -> list[Task]:
    """Finish a study in this process and seal it; the tasks in the order they were done."""
    done = do_all(study, ask, last_first=last_first)
    if study.read_status().finished:
        seal(study, cells_of(study))
    return done


def do_all(study: Study, ask: Callable[[Study], Planner] = Planner, *, last_first: bool = False) -> list[Task]:
    """Do all that is missing, one task after the other in this process; the tasks in the order they were done."""
    done: list[Task] = []
    while True:
        planner = ask(study)
        planner.keep()
        current = planner.plan()
        if not current.tasks:
            return done
        task = current.tasks[-1 if last_first else 0]
        work(task, study.store)
        done.append(task)


def search(data: dict[str, Any], **how: Any) -> None:
    """`direct` searched over its rate and batch, four trials in rounds of two, the first as written here."""
    data["attacker"]["search"] = {"trials": 4, "round": 2, "startup": 2, **how}
    space = {"lr": {"low": 1e-3, "high": 1e-1}, "batch": [2, 4]}
    data["attacker"]["attack"] = [{"name": "direct", "lr": 3e-3, "batch": 4, "search": space}]
    data["harm"]["domain"][0]["splits"]["select"] = 12


def searches(study: Study) -> dict[str, dict[Role, AttackSearch]]:
    """Every search, replayed from the store."""
    found = AttackSearches(study)
    found.advance(StoreView(study.store))
    return found.found


def contents(folder: Path, *parts: str) -> dict[str, bytes]:
    """Every file below some folders of a store, temporary ones too, by its path."""
    found = [path for part in parts for path in sorted((folder / part).rglob("*")) if path.is_file()]
    return {str(path.relative_to(folder)): path.read_bytes() for path in found}


RESULTS = ("subjects", "cells", "scores", "failed", "partial")
