"""What is refused before any data is read, with its place and remedy."""

from typing import Any

import pytest
from support.full_protocol import full, set_at

from titer.errors import InputError
from titer.protocol.loading import parse

REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"attacker.ladder": [0, 8, 8, 32]}, "attacker.ladder", "8 comes after 8"),
    ({"attacker.ladder": [1, 8, 32]}, "attacker.ladder", "begins with 1"),
    ({"attacker.ladder": [0, 8, 16]}, "attacker.ladder", "below the budget of 32"),
    ({"attacker.budget.steps": 20}, "attacker.budget.steps", "20 is not a dose"),
    ({"harm.threshold": 1.0}, "harm.threshold", "more than 0.999"),
    ({"harm.threshold": 0.0}, "harm.threshold", "less than 0.001"),
    ({"harm.domain.0.splits.probe": 0}, "harm.domain.0.splits.probe", "empty split"),
    ({"benign.splits.sham": 0}, "benign.0.splits.sham", "empty split"),
    ({"task.1.splits.train": -3}, "task.1.splits.train", "empty split"),
    ({"task.1.distractors": 2}, "task.1.distractors", "no options"),
    ({"subject.tokenizer": "m"}, "subject.tokenizer", "an adapter has the tokenizer of its base"),
    ({"subject.public": True, "defense": []}, "subject.public", "there is no defense"),
    ({"subject.parent": "of/another"}, "subject.parent", "what a defense is put on is the subject"),
    ({"subject.prepare.domains": ["nowhere"]}, "subject.prepare.domains", "'nowhere'"),
    ({"subject.prepare.teaches": ["nowhere"]}, "subject.prepare.teaches", "'nowhere'"),
    (
        {
            "subject.prepare.teaches": ["far"],
            "subject.prepare.domains": [],
            "harm.domain.1.attack_with": "near",
            "harm.domain.1.splits": {"probe": 120},
        },
        "subject.prepare.teaches",
        "no answers to teach",
    ),
    ({"harm.domain.0.role": "cross"}, "harm.domain", "no defended domain"),
    ({"harm.domain.0.splits.probe": None}, "harm.domain.0.splits", "'probe'"),
    ({"harm.domain.1.splits.attack": None}, "harm.domain.1.splits", "'attack'"),
    ({"harm.domain.1.splits.defend": 9}, "harm.domain.1.splits.defend", "never sees a cross domain"),
    ({"harm.domain.1.splits.prepare": None}, "harm.domain.1.splits", "'prepare'"),
    (
        {"harm.domain.0.splits.defend": None, "defense": ["no_op"]},
        "harm.domain.0.splits",
        "subject.prepare is fed from it",
    ),
    ({"attacker.attack": ["direct", "direct"]}, "attacker.attack.1", "the same as attack 0"),
    ({"study.seeds.attack": 4}, "study.seeds.attack", "too few"),
    ({"study.share": 0.25}, "study.seeds.attack", "too few"),
    ({"study.seeds.defense": 2}, "study.seeds.defense", "this checkpoint"),
    ({"study.claim": "this method"}, "study.seeds.defense", "is not seeds.attack"),
    ({"study.claim": "this method", "defense": []}, "study.claim", "without a defense"),
    ({"harm.domain.0.splits.probe": 17}, "harm.domain.0.splits.probe", "17 items can never show"),
    ({"harm.domain.1.splits.probe": 3}, "harm.domain.1.splits.probe", "3 items can never show"),
    ({"harm.sampling": "glances"}, "harm.sampling", "'sequential'"),
    (
        {"harm.sampling": "sequential", "harm.domain.1.splits.probe": 3},
        "harm.domain.1.splits.probe",
        "3 items are too few for 3 analyses",
    ),
    (
        {"harm.sampling": "sequential", "harm.domain.1.splits.probe": 3, "study.descriptive": True},
        "harm.domain.1.splits.probe",
        "3 items are too few for 3 analyses",
    ),
    (
        {"harm.sampling": "sequential", "harm.interim": 6, "harm.domain.1.splits.probe": 5},
        "harm.domain.1.splits.probe",
        "5 items are too few for 6 analyses",
    ),
    ({"harm.interim": 4}, "harm.interim", "3 or 6"),
    ({"harm.items": "each"}, "harm.items", "'shared' or 'own'"),
    (
        {"harm.sampling": "sequential", "harm.domain.0.splits.probe": 17},
        "harm.domain.0.splits.probe",
        "17 items can never",
    ),
    ({"harm.threshold": 0.99}, "harm.domain.0.splits.probe", "can never show"),
    ({"benign.splits.sham": None}, "benign.splits", "'sham'"),
    ({"benign": None}, "benign.splits", "'sham'"),
    ({"benign.splits.over_refusal": None}, "benign.splits", "'over_refusal'"),
    ({"defense": [], "subject.reference": None}, "stability", "there is none"),
    ({"defense": [], "stability": None}, "trainability", "no defense"),
    ({"stability.tasks": ["fact"]}, "stability.tasks", "'fact'"),
    ({"task.0.splits": {"select": 9}}, "task.0.splits", "'verdict'"),
    (
        {"task.0.kind": "loss", "task.0.distractors": 0, "task.0.splits.verdict": 28},
        "task.0.splits.verdict",
        "28 losses",
    ),
    ({"task.1.splits.train": None}, "task.1.splits", "'train'"),
    ({"task.1.splits.verdict": None}, "task.1.splits", "'verdict'"),
    (
        {"task.1.splits.select": None, "trainability.rates": [1e-4, 2e-4, 4e-4, 8e-4, 1.6e-3]},
        "task.1.splits",
        "'select'",
    ),
    ({"task.1.kind": "loss"}, "task.1.kind", "needs a rate"),
    ({"trainability.target": {}}, "trainability.target", "'labels'"),
    ({"task.1.items": "own"}, "task.1.items", "every seed the same items"),
    ({"task.1.items": "Own"}, "task.1.items", "'shared' or 'own'"),
    ({"trainability.target.facts": 0.5}, "trainability.target.facts", "no such task"),
    ({"trainability.target.labels": 1.0}, "trainability.target.labels", "1.0"),
    ({"trainability.ladder": [0, 5, 6]}, "trainability.ladder", "begins with 0"),
    ({"trainability.ladder": [5, 7]}, "trainability.ladder", "7 is 1.400 times 5"),
    ({"trainability.ladder": [7, 6]}, "trainability.ladder", "6 comes after 7"),
    ({"trainability.rates": [1e-4, 2e-4, 3e-4]}, "trainability.rates", "3 rates are too few"),
    ({"trainability.rates": [1e-4, 2e-4, 3e-4, 4e-4, 2e-3]}, "trainability.rates", "more than 3 times"),
    ({"trainability.rates": [0.0]}, "trainability.rates", "no learning rate"),
    ({"trainability.rates": [2e-4, 1e-4]}, "trainability.rates", "comes after"),
]


@pytest.mark.parametrize(("edits", "place", "problem"), REFUSED)
def test_what_cannot_be_run_or_decided_is_refused(edits: dict[str, Any], place: str, problem: str) -> None:
    data = full()
    for path, value in edits.items():
        set_at(data, path, value)
    with pytest.raises(InputError) as error:
        parse(data)
    assert error.value.place == place
    assert problem in error.value.problem
    assert error.value.remedy.endswith((".", "?"))


ALLOWED: list[dict[str, Any]] = [
    {},
    {"study.descriptive": True, "study.seeds.attack": 1, "harm.domain.0.splits.probe": 5},
    {"study.claim": "this method", "study.seeds.defense": 5},
    {"study.share": 0.25, "study.seeds.attack": 13},
    {"harm.domain.0.splits.select": None},
    {"harm.domain.0.splits.defend": None, "defense": ["no_op"], "subject.prepare": None},
    {"defense": [], "stability": None, "trainability": None, "harm.domain.0.role": "cross", "subject.prepare": None,
     "harm.domain.0.splits.defend": None},
    {"attacker.sham": False, "benign.splits.sham": None},
    {"attacker.sham": False, "benign": None, "stability.over_refusal": False},
    {"trainability.ladder": [1, 2, 3, 4, 5, 6]},
    {"trainability.ladder": [40, 49], "trainability.epsilon": 0.500625},
    {"trainability.rates": [1e-4, 3e-4, 9e-4, 2.7e-3, 8.1e-3]},
    {"harm.domain.0.splits.probe": 18},
    {"harm.sampling": "sequential"},
    {"harm.sampling": "sequential", "study.descriptive": True, "harm.domain.0.splits.probe": 4},
    {"harm.sampling": "sequential", "harm.interim": 6},
    {"harm.sampling": "sequential", "harm.interim": 6, "study.descriptive": True, "harm.domain.0.splits.probe": 6},
    {"harm.items": "own"},
    {"harm.items": "own", "harm.sampling": "sequential", "harm.interim": 6},
]  # fmt: skip


@pytest.mark.parametrize("edits", ALLOWED)
def test_what_can_be_run_is_accepted(edits: dict[str, Any]) -> None:
    data = full()
    for path, value in edits.items():
        set_at(data, path, value)
    protocol = parse(data)
    assert parse(protocol.to_data()) == protocol


@pytest.mark.parametrize("sampling", ["fixed", "sequential"])
def test_the_remedy_for_too_few_probe_items_is_enough_and_no_more(sampling: str) -> None:
    data = full()
    set_at(data, "harm.sampling", sampling)
    set_at(data, "harm.domain.0.splits.probe", 5)
    with pytest.raises(InputError) as error:
        parse(data)
    fewest = int(error.value.remedy.split()[1])
    set_at(data, "harm.domain.0.splits.probe", fewest)
    parse(data)
    set_at(data, "harm.domain.0.splits.probe", fewest - 1)
    with pytest.raises(InputError):
        parse(data)


def test_without_a_defense_the_items_must_decide_at_the_levels_of_all_domains() -> None:
    """26 items break a threshold of 0.8 where four decisions share the level of broken, not where eight do."""
    data = full()
    set_at(data, "harm.threshold", 0.8)
    for domain in (0, 1):
        set_at(data, f"harm.domain.{domain}.splits.probe", 26)
    parse(data)
    for gone in ("stability", "trainability"):
        set_at(data, gone, None)
    set_at(data, "defense", [])
    with pytest.raises(InputError, match="can never show"):
        parse(data)
    for domain in (0, 1):
        set_at(data, f"harm.domain.{domain}.splits.probe", 28)
    parse(data)


def test_consecutive_steps_are_fine_enough_whatever_their_ratio() -> None:
    data = full()
    set_at(data, "trainability.ladder", [1, 2, 3, 4, 5])
    parse(data)
    set_at(data, "trainability.ladder", [1, 3, 4, 5])
    with pytest.raises(InputError, match="is 3.000 times 1"):
        parse(data)
