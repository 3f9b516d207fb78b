"""What `python -m benchmarks.fuzz` has found, once it was mended: each is refused with its place."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import huggingface_hub.constants
import pytest
from support.full_protocol import set_at
from support.studies import small_protocol

from benchmarks.fuzz import toml
from benchmarks.fuzz.outcome import planned

Change = Callable[[dict[str, Any]], None]


def at(path: str, value: Any) -> Change:
    return lambda data: set_at(data, path, value)


DATA: dict[str, tuple[Change, str]] = {
    "OverflowError in the binomial": (at("study.seeds.attack", 10**30), "study.seeds.attack"),
    "thousands of digits repeated": (at("harm.domain.0.splits.probe", int("9" * 4_000)), "harm.domain.0.splits.probe"),
    "an integer too long for float": (at("defense.0.optimizer", {"kind": "adamw", "betas": [10**400, 0]}),
                                      "defense.0.optimizer.betas.0"),
    "a long name repeated": (at("stability.tasks", ["plain" + "[" * 6_000]), "stability.tasks"),
    "a direction mark in a key": (at("harm.domain.1.splits", {"attack": 1, "\u202eabc": 1}), "harm.domain.1.splits"),
    "a line separator as a key": (at("benign.0.\u0085\u2028", 1), "benign.0"),
    "an escape sequence in a name": (at("attacker.attack.0.name", "dire\x1b[31mct"), "attacker.attack.0.name"),
    "an empty key": (lambda data: data["harm"].update({"": {}}), "harm"),
    "no seed decides": (at("study.share", 1e-9), "study.share"),
    "a study to follow that never ran": (at("study.follows", "."), "study.follows"),
    "a file name that no file system takes": (at("harm.domain.0.source", "x" * 300), "harm.domain.0.source"),
}  # fmt: skip
TEXTS: dict[str, str] = {
    "arrays nested too deeply": "a = " + "[" * 3_000 + "]" * 3_000,
    "tables nested too deeply": "a = " + "{a=" * 3_000 + "1" + "}" * 3_000,
    "an integer of thousands of digits": "a = " + "9" * 5_000,
    "a key as long as a page": "stabili" + "{a=" * 3_000 + " = 1",
    "half of a pair of surrogates": 'a = "\\ud800"',
    "the same key twice": "[study]\nname = 'a'\nname = 'b'",
    "a NUL": "a = 1\x00",
    "nothing but a mark": "\ufeff",
}


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)


@pytest.mark.parametrize("name", DATA)
def test_data_that_hurt_once(name: str, tmp_path: Path) -> None:
    change, place = DATA[name]
    data = small_protocol(tmp_path / "in")
    data["study"]["descriptive"] = False
    data["study"]["seeds"]["attack"] = 5
    change(data)
    (tmp_path / "p.toml").write_text(toml.write(data), encoding="utf-8")
    outcome = planned(tmp_path / "p.toml", tmp_path / "study")
    assert (outcome.fault, outcome.code) == ("", 2), outcome.message
    assert f"titer: {place}: " in outcome.message


@pytest.mark.parametrize("name", TEXTS)
def test_a_text_that_hurt_once(name: str, tmp_path: Path) -> None:
    path = tmp_path / "p.toml"
    path.write_text(TEXTS[name] + "\n", encoding="utf-8")
    outcome = planned(path, tmp_path / "study")
    assert (outcome.fault, outcome.code) == ("", 2), outcome.message
