"""The protocols that come with titer can be used: every key, method and parameter in them exists."""

from __future__ import annotations

import runpy
import tomllib
from pathlib import Path

import pytest
from support import ROOT

from titer.cli.app import EXAMPLES
from titer.methods import registry
from titer.methods.search_configurations import defense_space
from titer.protocol.loading import load, parse
from titer.protocol.schema import Protocol

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


CONTROLS = runpy.run_path(str(ROOT / "examples" / "smollm2_topics_controls.py"))["variants"]
DEFENSES = runpy.run_path(str(ROOT / "examples" / "organism_defenses.py"))
SMOLLM2 = runpy.run_path(str(ROOT / "examples" / "smollm2_defenses.py"))
TOPICS = (ROOT / "examples" / "smollm2-topics.toml").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def controls(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Protocol]:
    """The protocols beside the topics example, read back."""
    folder, found = tmp_path_factory.mktemp("controls"), {}
    for name, text in CONTROLS(TOPICS, 0.02).items():
        (folder / name).write_text(text, encoding="utf-8")
        found[name] = load(folder / name)
    return found


def test_the_controls_of_the_topics_example_differ_in_the_defense_alone(controls: dict[str, Protocol]) -> None:
    topics = load(ROOT / "examples" / "smollm2-topics.toml")
    (defense,) = topics.defense
    for protocol in controls.values():
        assert (protocol.harm, protocol.benign) == (topics.harm, topics.benign)
        assert protocol.attacker.attack == topics.attacker.attack[:1]
    for name in ("refusals", "weight-0", "noise"):
        assert controls[name].subject == topics.subject
    (refusals,) = controls["refusals"].defense
    assert refusals.name == "refusal_sft"
    assert refusals.parameters == {key: defense.parameters[key] for key in refusals.parameters}
    assert refusals.parameters["train_steps"] == defense.parameters["train_steps"]
    (weightless,) = controls["weight-0"].defense
    assert weightless.parameters == {**defense.parameters, "weight": 0.0}
    (noise,) = controls["noise"].defense
    assert noise.parameters == {"displacement": 0.02}


def test_the_rate_before_withholding_is_that_of_a_model_that_is_only_taught(controls: dict[str, Protocol]) -> None:
    topics, taught = load(ROOT / "examples" / "smollm2-topics.toml"), controls["taught"]
    assert taught.defense == ()
    assert taught.subject.prepare == topics.subject.prepare[:-1]
    assert all(step.teaches for step in taught.subject.prepare)


@pytest.mark.parametrize("name", DEFENSES["DEFENSES"])
def test_every_defense_has_a_protocol_and_a_space_to_tune_it_in(name: str) -> None:
    protocol = parse(tomllib.loads(DEFENSES["protocol_of"](name)))
    written = protocol.defense[-1]
    assert written.name == name
    assert protocol.study.claim == "this method"
    assert (protocol.tuning is None) == (name in ("no_op", "random_init"))
    if protocol.tuning is not None:
        assert protocol.tuning.trials == 6
        assert defense_space(written, protocol.tuning.space, "tuning.space")


def test_every_defense_is_in_one_group() -> None:
    assert sorted(name for group in DEFENSES["GROUPS"].values() for name in group) == sorted(DEFENSES["DEFENSES"])


@pytest.mark.parametrize("name", SMOLLM2["DEFENSES"])
def test_every_defense_of_the_real_model_has_a_protocol(name: str) -> None:
    topics, protocol = (
        load(ROOT / "examples" / "smollm2-topics.toml"),
        parse(tomllib.loads(SMOLLM2["protocol_of"](name))),
    )
    (defense,) = protocol.defense
    assert registry.defense(defense).name == SMOLLM2["DEFENSES"][name].name
    assert protocol.subject == topics.subject
    assert protocol.attacker.attack[0].parameters == topics.attacker.attack[0].parameters
