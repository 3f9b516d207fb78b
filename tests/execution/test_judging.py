"""A judge of a task is opened once, with the compute of the task, and closed at its end whatever happens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import pytest

from titer.execution.judging import OpenJudges
from titer.methods import registry
from titer.methods.measurement import Judge
from titer.records import Answer, Choice, Compute, Item, Kind, Score

HAPPENED: list[object] = []


class Loading(Judge):
    """A judge that tells when it is opened and closed."""

    name: ClassVar[str] = "loading"
    kind: ClassVar[Kind] = "harm"
    size: int = 1

    def open(self, compute: Compute) -> None:
        HAPPENED.append((self.size, compute.device, compute.batch))

    def close(self) -> None:
        HAPPENED.append(f"{self.size} closed")

    def judge(self, items: Sequence[Item], answers: Sequence[Answer]) -> tuple[Score, ...]:
        return tuple(Score(item=item.id, value=0.0) for item in items)


@pytest.fixture(autouse=True)
def loading(monkeypatch: pytest.MonkeyPatch) -> None:
    HAPPENED.clear()
    monkeypatch.setitem(registry.JUDGES, "loading", Loading)


def test_each_configuration_is_opened_once_and_closed_at_the_end() -> None:
    small, large = Choice(name="loading"), Choice(name="loading", parameters={"size": 7})
    with OpenJudges(Compute(device="cuda", batch=3)) as judges:
        assert not HAPPENED, "nothing is loaded before it is asked for"
        assert judges.of(small) is judges.of(Choice(name="loading"))
        assert judges.of(large) is not judges.of(small)
        assert HAPPENED == [(1, "cuda", 3), (7, "cuda", 3)]
    assert HAPPENED[2:] == ["7 closed", "1 closed"]


def test_what_was_opened_is_closed_when_the_task_fails() -> None:
    def fail() -> None:
        with OpenJudges(Compute()) as judges:
            judges.of(Choice(name="loading"))
            raise MemoryError

    with pytest.raises(MemoryError):
        fail()
    assert HAPPENED == [(1, "cpu", 64), "1 closed"]
