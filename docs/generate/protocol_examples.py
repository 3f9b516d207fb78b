"""Examples of the keys of a protocol: lines of the protocols that come with titer, and a few that none of these has."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from docs.generate.outside import ROOT
from docs.generate.schema_words import toml

PLACES_OF_SOURCES = ("benign", "harm.domain", "task")
"""Where sources of rows stand; a key that all of them have is looked up as `SOURCE.KEY`."""
PROTOCOLS = ("src/titer/cli/protocols/demo.toml", "examples/gate.toml")
LONGEST = 100
"""The most signs of an example."""


@cache
def _protocols() -> list[dict[str, Any]]:
    others = sorted(path for path in (ROOT / "examples").rglob("*.toml") if "project" not in path.stem)
    paths = [*(ROOT / name for name in PROTOCOLS), *others]
    return [tomllib.loads(path.read_text(encoding="utf-8")) for path in paths if path.name != "pyproject.toml"]


def example(path: str, default: Any = None) -> str | None:
    """A line of a shipped protocol that sets a key, to another value than its default if there is one."""
    if path in WRITTEN:
        return WRITTEN[path]
    name = path.rpartition(".")[2]
    found = [(value != default, f"{name} = {toml(value)}") for value in _values(path)]
    lines = [(other, line) for other, line in found if len(line) <= LONGEST]
    return max(lines, key=lambda one: one[0])[1] if lines else None


def _values(path: str) -> Iterator[Any]:
    """Every value that a shipped protocol sets at a path."""
    places = PLACES_OF_SOURCES if path.startswith("SOURCE.") else ("SOURCE",)
    for here in (path.replace("SOURCE", place, 1) for place in places):
        for protocol in _protocols():
            yield from _at(protocol, here.split("."))


def _at(data: Any, path: list[str]) -> Iterator[Any]:
    """Every value at a path; a list stands for each of its entries."""
    if not path:
        yield data
    elif isinstance(data, list):
        for own in data:
            yield from _at(own, path)
    elif isinstance(data, Mapping) and path[0] in data:
        yield from _at(data[path[0]], path[1:])


WRITTEN = {
    "study.follows": 'follows = "titer-demo"',
    "study.paired_seeds": "paired_seeds = false",
    "study.store": 'store = "store"',
    "study.keep_attacked_weights": "keep_attacked_weights = true",
    "subject.reference": 'reference = "models/release-before"',
    "subject.trust_remote_code": 'trust_remote_code = ["modeling_foo.FooForCausalLM"]',
    "harm.collapse_counts": "collapse_counts = true",
    "harm.interim": "interim = 6",
    "harm.grading.second": 'second = "substance"',
    "harm.frame.prefill": 'prefill = "Answer:"',
    "harm.frame.reference_words": "reference_words = 1",
    "harm.frame.transform": 'transform = "formal"',
    "harm.domain.attack_with": 'attack_with = "ciphers"',
    "attacker.preset": 'preset = "quick-1"',
    "attacker.attack.fixed": 'fixed = ["batch", "template"]',
    "attacker.attack.begin": "begin = [{ lr = 4e-4, batch = 32 }]",
    "attacker.search.round": "round = 1",
    "attacker.search.startup": "startup = 6",
    "attacker.search.warm_start": "warm_start = false",
    "attacker.search.utility.share": "share = 0.05",
    "task.items": 'items = "own"',
    "task.judge": 'judge = "contains"',
    "stability.share": "share = 0.05",
    "stability.refusal": 'refusal = "refusal"',
    "stability.over_refusal": "over_refusal = false",
    "usability.refusal": 'refusal = "refusal"',
    "tuning.share": "share = 0.5",
    "tuning.seed": "seed = 901",
    "tuning.sampler": 'sampler = "random"',
    "tuning.startup": "startup = 6",
    "disclosure.marginal_risk": 'marginal_risk = "The parent is public, and breaks at 8 steps."',
    "disclosure.safety_margin": 'safety_margin = "Half of the harm rate that was found to be of use."',
    "disclosure.retest": 'retest = ["a new family of attacks", "a year after release"]',
    "disclosure.actor": 'actor = { skill = "runs published scripts" }',
    "disclosure.actor.skill": 'skill = "runs published scripts"',
    "disclosure.actor.data": 'data = "a hundred harmful rows"',
    "disclosure.actor.compute": 'compute = "one GPU for a day"',
    "disclosure.actor.money": 'money = "100 USD"',
    "SOURCE.revision": 'revision = "main"',
}
"""Examples of keys that no shipped protocol sets."""
