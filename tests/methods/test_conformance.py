"""One table: every method and executor of titer keeps the promises of its interface. The registry says which there are.

A method is run as its class says in `example`; other configurations are checked beside their own tests.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from titer.execution.executors import EXECUTORS
from titer.methods import registry
from titer.records import Choice
from titer.testing import check_attack, check_defense, check_executor, check_judge, check_probe

Check = Callable[[Any], None]
CHECKS: dict[str, tuple[Callable[[Choice], Any], Check]] = {
    "attacks": (registry.attack, check_attack),
    "defenses": (registry.defense, check_defense),
    "probes": (registry.probe, check_probe),
    "judges": (registry.judge, check_judge),
}
TABLE = [(kind, name) for kind, catalog in registry.CATALOGS.items() for name in catalog.own]


@pytest.mark.parametrize(("kind", "name"), TABLE)
def test_every_method_keeps_its_promises(kind: str, name: str) -> None:
    build, check = CHECKS[kind]
    check(build(Choice(name=name, parameters=dict(registry.CATALOGS[kind].own[name].example))))


@pytest.mark.parametrize("name", EXECUTORS.own)
def test_every_executor_keeps_its_promises(name: str) -> None:
    check_executor(EXECUTORS.own[name])


def test_every_kind_of_method_is_checked() -> None:
    assert CHECKS.keys() == registry.CATALOGS.keys()
    assert len(TABLE) > 40
