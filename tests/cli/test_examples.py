"""The protocols that come with titer can be used: every key, method and parameter in them exists."""

from __future__ import annotations

from pathlib import Path

import pytest
from support import ROOT

from titer.cli.app import EXAMPLES
from titer.methods import registry
from titer.protocol.loading import load

FILES = sorted([*(ROOT / "examples").glob("*.toml"), *EXAMPLES.glob("*.toml")])


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_protocol_that_comes_with_titer(path: Path) -> None:
    protocol = load(path)
    for attack in protocol.attacker.attack:
        registry.attack(attack)
    for choice in protocol.defense:
        registry.defense(choice)
    for step in protocol.subject.prepare:
        registry.defense(step.choice)
    grading = protocol.harm.grading
    for judge in (grading.harm, grading.coherence, grading.second, *(task.judge for task in protocol.task)):
        if judge is not None:
            registry.judge(judge)
    if protocol.trainability:
        registry.attack(protocol.trainability.attack)
