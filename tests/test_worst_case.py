"""Searches in whole studies: the same whatever the order of work, winners run for the verdict, failures repeated."""

from __future__ import annotations

from typing import Any

import pytest
from studies import begin, finish

from titer import worst_case
from titer.assemble import assemble
from titer.study import Study


def search(data: dict[str, Any], **how: Any) -> None:
    """`direct` searched over its rate and batch, four trials in rounds of two."""
    data["attacker"]["search"] = {"trials": 4, "round": 2, "startup": 2, "utility_floor": 0.0, **how}
    space = {"lr": {"low": 1e-3, "high": 1e-1}, "batch": [2, 4]}
    data["attacker"]["attack"] = [{"name": "direct", "search": space}]
    data["harm"]["domain"][0]["splits"]["select"] = 12


def trials(study: Study, label: str, role: Any) -> list[tuple[Any, ...]]:
    """What each trial tried, and where it crossed."""
    hunt = worst_case.hunts(study)[label][role]
    return [(c.to_json(), t.rungs) for c, t in zip(hunt.configurations, hunt.search.trials, strict=True)]


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> Study:
    study = begin(tmp_path_factory.mktemp("searched"), search)
    finish(study)
    return study


def test_the_winner_is_run_for_the_verdict_and_that_of_m_on_both(searched: Study) -> None:
    (label,) = (choice.label for choice in searched.protocol.attacker.attack)
    found = worst_case.hunts(searched)[label]
    assert {role: hunt.finished for role, hunt in found.items()} == {"M": True, "M*": True}
    assert all(len(hunt.search.trials) == 4 for hunt in found.values())
    run = {
        (trace.subject, trace.attack): trace.configuration
        for trace in assemble(searched).traces
        if trace.purpose in ("resistance", "generalization")
    }
    assert run == {
        ("M", label): found["M"].winner,
        ("M*", label): found["M*"].winner,
        ("M*", f"{label} of M"): found["M"].winner,
    }
