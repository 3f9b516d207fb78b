"""The protocol of a trial: what its study will ask and attack with is left aside, and what is left takes its place."""

from __future__ import annotations

from typing import Any

from titer.errors import InputError
from titer.methods.search_configurations import defense_space
from titer.protocol.attacker import AttackChoice
from titer.protocol.data_sources import DomainConfig, TaskConfig
from titer.protocol.loading import parse
from titer.protocol.schema import Protocol
from titer.protocol.tuning_config import TuningConfig
from titer.records import Choice


def settings_of(protocol: Protocol) -> TuningConfig:
    """How the defense of a protocol is tuned.

    Raises:
        InputError: if it does not say so, lacks what a trial is asked or held to, or tries what the defense has not.
    """
    if protocol.tuning is None:
        raise InputError("tuning", "the protocol has no such table", "Add [tuning] with trials and an attack.")
    if not protocol.defended:
        raise InputError("defense", "there is no defense to tune", "Add a [[defense]].")
    defense_space(protocol.defense[-1], protocol.tuning.space, "tuning.space")
    seeds = protocol.study.seeds
    if seeds.first <= protocol.tuning.seed < seeds.first + max(seeds.attack, seeds.defense):
        remedy = f"Let it be {seeds.first + max(seeds.attack, seeds.defense)} or more."
        raise InputError("tuning.seed", f"{protocol.tuning.seed} is a seed of the study itself", remedy)
    for index, domain in enumerate(protocol.harm.domain):
        if "select" not in domain.splits:
            place, remedy = f"harm.domain.{index}.splits", "Give it a select split."
            raise InputError(place, "a trial is asked the prompts of `select`, and there are none", remedy)
    if not _tasks(protocol):
        remedy = "Give a task of [stability] a select split."
        raise InputError(
            "stability", "a trial is held to what its tasks allow, and none has prompts of `select`", remedy
        )
    return protocol.tuning


def trial_protocol(protocol: Protocol, defense: Choice, number: int) -> Protocol:
    """The study of one trial: one seed of defense and attack that is none of the study's, descriptive.

    In each domain the groups of `probe` and `attack` are spare; `select` is asked, and in a defended one a share of
    `defend` is attacked with and the rest defends. Of a task `select` is asked, and over-refusal on the benign rows to
    select by. So no row of a trial decides anything later, and its undefended model is that of the study.

    Args:
        protocol: the study, with its tuning.
        defense: a configuration to try, in the place of the last defense.
        number: which trial it is.
    """
    tuning = settings_of(protocol)
    data = {key: own for key, own in protocol.to_data().items() if key not in ("tuning", "trainability", "usability")}
    seeds = {"attack": 1, "defense": 1, "first": tuning.seed}
    named = {"name": f"{protocol.study.name}-trial-{number}", "follows": None, "claim": "this method"}
    data["study"] = {**data["study"], **named, "seeds": seeds, "descriptive": True}
    data["defense"] = [*data["defense"][:-1], defense.to_data()]
    tasks = _tasks(protocol)
    over_refusal = any("select" in rows.splits for rows in protocol.benign)
    data["task"] = [_task(protocol, task) for task in protocol.task if task.name in tasks]
    data["stability"] = {**data["stability"], "tasks": tasks, "over_refusal": over_refusal}
    data["benign"] = [{**rows, "splits": _benign(rows["splits"])} for rows in data["benign"]]
    data["harm"] = {**data["harm"], "sampling": "fixed", "items": "shared"}
    data["harm"]["domain"] = [
        {**own, "splits": _domain(domain, tuning.share, protocol.probe_sets), "draw": None}
        for own, domain in zip(data["harm"]["domain"], protocol.harm.domain, strict=True)
    ]
    attack = AttackChoice(
        name=tuning.attack.name,
        parameters=tuning.attack.parameters,
        domains=tuple(domain.name for domain in protocol.domains("defended")),
    )
    budget = {"steps": protocol.attacker.budget.steps}
    data["attacker"] = {
        "budget": budget,
        "ladder": protocol.attacker.ladder,
        "sham": False,
        "attack": [attack.to_data()],
    }
    return parse(without_nothing(data))


def without_nothing(data: Any) -> Any:
    """Plain data without the keys that have no value, for which TOML has no word."""
    if isinstance(data, dict):
        return {key: without_nothing(own) for key, own in data.items() if own is not None}
    return [without_nothing(own) for own in data] if isinstance(data, list | tuple) else data


def _tasks(protocol: Protocol) -> list[str]:
    """The tasks of stability that have prompts to select by."""
    named = () if protocol.stability is None else protocol.stability.tasks
    return [name for name in named if "select" in protocol.task_named(name).splits]


def _task(protocol: Protocol, task: TaskConfig) -> dict[str, Any]:
    splits = task.splits
    spare = {"spare": splits["verdict"] * protocol.task_sets(task)} if "verdict" in splits else {}
    return {**task.to_data(), "items": "shared", "splits": {**spare, "verdict": splits["select"]}}


def _benign(splits: dict[str, int]) -> dict[str, int]:
    spare = splits.get("over_refusal", 0) + splits.get("usable", 0)
    kept = {split: size for split, size in splits.items() if split not in ("over_refusal", "usable", "select")}
    asked = {"over_refusal": splits["select"]} if "select" in splits else {}
    return {**({"spare": spare} if spare else {}), **asked, **kept}


def _domain(domain: DomainConfig, share: float, sets: int) -> dict[str, int]:
    """The splits of a domain as a trial cuts them: the order in which groups are cut makes them the same ones."""
    splits = dict[str, int](domain.splits.items())
    cut = {"spare": splits["probe"] * sets, "probe": splits["select"]}
    defend, attack = splits.get("defend", 0), splits.get("attack", 0)
    if domain.role == "cross" or not defend:
        cut |= {"attack": attack} if attack else {}
        return cut | ({"prepare": splits["prepare"]} if "prepare" in splits else {})
    taken = max(1, round(defend * share))
    cut |= {"spare_attack": attack, "attack": taken, "defend": defend - taken}
    return cut | ({"prepare": splits["prepare"]} if "prepare" in splits else {})
