"""Protocols that can be planned, and each of them bent: a case is all in its number."""

from __future__ import annotations

import random
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from support import ROOT
from support.full_protocol import full
from support.studies import search, small_protocol
from support.tiny_study import tiny_protocol

from benchmarks.fuzz import toml
from benchmarks.fuzz.mutations import mutate_data, mutate_text
from titer.methods import registry
from titer.methods.base import Attack

EXAMPLES = (
    "src/titer/cli/protocols/demo.toml",
    "examples/organism.toml",
    "examples/organism-attacks.toml",
    "examples/organism-trainability-grid.toml",
    "examples/gate.toml",
    "examples/ci.toml",
)
"""Files of the checkout whose data come with titer."""
IN_TEXT = 0.15
"""The share of cases whose text is bent, and not the data that it stands for."""


def bent(number: int, seed: int, inputs: Path, *, light: bool = False) -> bytes:
    """The content of a protocol file, in which something may be wrong.

    Args:
        number: of the case.
        seed: of the run: equal seeds and numbers give equal cases.
        inputs: a folder for the model and the rows of the small studies; the same for every case.
        light: whether only those are bent, and none of the examples.
    """
    draw = random.Random(f"{seed} protocol {number}")
    kinds = list(WEIGHTS if light else BASES)
    base = BASES[draw.choices(kinds, [WEIGHTS.get(kind, 1) for kind in kinds])[0]](draw, inputs)
    if draw.random() < IN_TEXT:
        return mutate_text(base if isinstance(base, str) else toml.write(base), draw)
    data = tomllib.loads(base) if isinstance(base, str) else base
    return toml.write(mutate_data(data, draw)).encode("utf-8", "surrogatepass")


def _searched(draw: random.Random, inputs: Path) -> dict[str, Any]:
    """The small study whose attack is searched."""
    data = small_protocol(inputs)
    search(data)
    return data


def _preset(draw: random.Random, inputs: Path) -> dict[str, Any]:
    """The small study with an attacker by name, and sources with enough rows for it."""
    data = _attacked(inputs)
    del data["attacker"]["attack"]
    data["attacker"] |= {"preset": "quick-1", "budget": {"steps": 4}}
    return data


def _method(draw: random.Random, inputs: Path) -> dict[str, Any]:
    """The small study under any attack, with a defense and judges, all of whose parameters are written out."""
    data = _attacked(inputs)
    name = draw.choice(sorted(registry.ATTACKS))
    attack = registry.ATTACKS[name]
    data["attacker"]["attack"] = [{"name": name, **_written(attack), **_ladder(attack)}]
    data["attacker"]["budget"] |= {} if attack.axis.name == "steps" else {attack.axis.name: 1}
    data["defense"] = [{"name": "refusal_sft", **_written(registry.DEFENSES["refusal_sft"]), "train_steps": 4}]
    judges = {
        role: draw.choice(("substance", "refusal_removal", "exact_match", "normalized_match")) for role in ("harm",)
    }
    data["harm"]["grading"] = {role: {"name": name, **_written(registry.JUDGES[name])} for role, name in judges.items()}
    return data


def _attacked(inputs: Path) -> dict[str, Any]:
    """The small study with splits for every attack."""
    data = small_protocol(inputs)
    data["benign"][0]["splits"]["attack"] = 20
    for domain in data["harm"]["domain"]:
        domain["splits"]["select"] = 12
    return data


def _written(method: type[Any]) -> dict[str, Any]:
    """The parameters of a method with the values that they have if none is written."""
    values = {name: field.default for name, field in method.model_fields.items() if not field.is_required()}
    plain = method.model_construct(**values).model_dump(mode="json", warnings=False) | dict(method.example)
    return {name: value for name, value in plain.items() if value is not None}


def _ladder(attack: type[Attack]) -> Mapping[str, Any]:
    return {} if attack.axis.name == "steps" else {"ladder": {attack.axis.name: [0, 1]}}


def _example(path: str) -> Callable[[random.Random, Path], str]:
    return lambda draw, inputs: (ROOT / path).read_text(encoding="utf-8")


BASES: dict[str, Callable[[random.Random, Path], Any]] = {
    "tiny": lambda draw, inputs: tiny_protocol(inputs),
    "small": lambda draw, inputs: small_protocol(inputs),
    "full": lambda draw, inputs: full(),
    "searched": _searched,
    "preset": _preset,
    "method": _method,
    **{Path(path).stem: _example(path) for path in EXAMPLES},
}
"""What is bent, by name; a text, or plain data."""
WEIGHTS = {"tiny": 10, "small": 8, "method": 10, "searched": 3, "full": 6}
"""How often each is taken: small studies, which plan fast, the most."""
