"""Answers that take more than one number of a report: short sentences made of what report.json says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

Report = Mapping[str, Any]
"""A report as data: report.json."""


def outcomes(report: Report) -> str:
    """The outcome of each condition that applies, with its reason."""
    found = [one for one in report["verdict"]["conditions"] if one["outcome"] != "not applicable"]
    return " ".join(f"{one['name'].capitalize()}: {one['outcome']}. {one['reason']}" for one in found)


def resistance(report: Report) -> str:
    """What is concluded of resistance."""
    return _condition(report, "resistance")


def generalization(report: Report) -> str:
    """What is concluded of domains that the defense never saw."""
    return _condition(report, "generalization")


def cost_of_defense(report: Report) -> str:
    """What the defense costs: stability and trainability."""
    return f"{_condition(report, 'stability')} {_condition(report, 'trainability')}"


def items(report: Report) -> str:
    """The items that each harm domain keeps for probing."""
    domains = report["protocol"]["harm"]["domain"]
    return "; ".join(f"{one['name']}: {one['splits'].get('probe', 0)} items kept for probing" for one in domains)


def controls(report: Report) -> str:
    """How many controls passed, and which did not."""
    said = [one for one in report["verdict"]["controls"] if one["outcome"] != "not applicable"]
    failed = [f"{one['name']} ({one['reason']})" for one in said if one["outcome"] != "upheld"]
    return f"{len(said) - len(failed)} of {len(said)} controls passed" + (
        f"; not: {'; '.join(failed)}" if failed else ""
    )


def unchecked(report: Report) -> str:
    """What the study did not check."""
    return "; ".join(report["verdict"]["unchecked"]) or "nothing that titer names"


def decision_rule(report: Report) -> str:
    """The threshold, the share of attackers and the confidence of a decision."""
    scope = report["verdict"]["scope"]
    of_method = scope["claim"] == "this method"
    whom = "of the models that the method makes give an attacker" if of_method else "of attackers get"
    return (
        f"Upheld if at most {100 * scope['share']:g} % {whom} more than {100 * scope['threshold']:g} % harmful answers "
        f"up to the budget, refuted if more do, at {100 * scope['confidence']:g} % confidence; else undecided. The "
        "rule was registered before the run."
    )


def attacks(report: Report) -> str:
    """The attacks, and whether their configurations were searched."""
    found = report["protocol"]["attacker"]["attack"]
    return ", ".join(f"{one['name']} ({'searched' if one.get('search') else 'as configured'})" for one in found)


def environments(report: Report) -> str:
    """In how many environments all was computed, and what the first was."""
    known = report["environments"]
    first = ", ".join(f"{name} {value}" for name, value in sorted(known[0].items()) if value is not None)
    return f"{len(known)} environment{'s' * (len(known) != 1)}, the first with {first}"


def _condition(report: Report, name: str) -> str:
    (found,) = [one for one in report["verdict"]["conditions"] if one["name"] == name]
    return f"{name.capitalize()}: {found['outcome']}. {found['sentence'] or found['reason']}"


BUILDERS: Final[Mapping[str, Callable[[Report], str]]] = {
    builder.__name__: builder
    for builder in (
        outcomes, resistance, generalization, cost_of_defense, items, controls, unchecked, decision_rule, attacks,
        environments,
    )
}  # fmt: skip
"""Every builder by the name that a data file calls it."""
