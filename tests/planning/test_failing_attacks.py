"""A study ends with a report whatever attacks fail at whatever seeds, and in whatever order its tasks are done."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.executors import InProcess
from support.studies import begin, search

from titer.analysis.assemble import assemble
from titer.analysis.findings import Verdict
from titer.analysis.seed_indices import replaced_indices, seed_indices
from titer.conclude import conclude, report
from titer.execution.worker import work
from titer.planning.plan import Plan, plan
from titer.run import run
from titer.study.folder import Study
from titer.study.tasks import ExposeTask, Task


class Failing(InProcess):
    """Does one task after the other; of `few_shot` each attack on the defended subject fails."""

    def wait(self) -> Task:
        assert self.next is not None
        task, self.next = self.next, None
        self.do(task)
        return task

    def do(self, task: Task) -> None:
        if isinstance(task, ExposeTask) and task.cell.subject == "defended" and "few_shot" in task.cell.attack:
            self.store.write_failure(task.key, "no direction")
        else:
            work(task, self.store)


class Backwards(Failing):
    """Has up to eight tasks under way, of which the one that was begun last is done first."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.begun: list[Task] = []

    def submit(self, task: Task) -> None:
        self.begun.append(task)

    @property
    def has_room(self) -> bool:
        return len(self.begun) < 8

    @property
    def is_idle(self) -> bool:
        return not self.begun

    def wait(self) -> Task:
        task = self.begun.pop()
        self.do(task)
        return task


def with_failing(data: dict[str, Any], *, items: str, seeds: int, searched: bool) -> None:
    """One domain, and three attacks, of which that in the middle fails; the first of them may be searched."""
    if searched:
        search(data, trials=2, warm_start=False)
    data["attacker"] |= {"sham": True, "budget": {"steps": 2}, "ladder": [0, 2]}
    data["attacker"]["attack"] += [
        {"name": "few_shot", "lr": 3e-2, "shots": 10, "batch": 4},
        {"name": "direct", "lr": 2e-2, "batch": 4},
    ]
    data["harm"] |= {"items": items, "domain": data["harm"]["domain"][:1]}
    data["study"] |= {"seeds": {"attack": seeds}, "descriptive": seeds == 1, "confidence": 0.51}
    del data["stability"], data["task"]


def as_planned(found: Plan) -> tuple[object, ...]:
    """What is compared of a plan."""
    return found.cells, found.unfinished, found.replaced, {task.key for task in found.tasks}


def run_failing(study: Study, executor: type[Failing]) -> Verdict:
    """Run a study, of which all along the plan that is kept up to date is one that is made anew; its verdict."""
    for progress in run(study, executor=executor):
        assert as_planned(progress.planner.plan()) == as_planned(plan(study))
    conclusion = conclude(study)
    report(conclusion)
    return conclusion.verdict


@pytest.mark.parametrize(
    ("seeds", "items", "searched", "executor"),
    [
        (1, "own", True, Failing),
        (2, "own", False, Backwards),
        (2, "shared", False, Failing),
        pytest.param(1, "shared", False, Backwards, marks=pytest.mark.slow),
        pytest.param(2, "shared", True, Backwards, marks=pytest.mark.slow),
        pytest.param(3, "own", True, Failing, marks=pytest.mark.slow),
    ],
)
def test_a_study_of_which_an_attack_fails_at_every_seed_ends_undecided(
    tmp_path: Path, seeds: int, items: str, searched: bool, executor: type[Failing]
) -> None:
    study = begin(tmp_path, lambda data: with_failing(data, items=items, seeds=seeds, searched=searched))
    verdict = run_failing(study, executor)
    assert verdict.outcome == "undecided"
    resistance = next(finding for finding in verdict.conditions if finding.name == "resistance")
    assert resistance.outcome == "undecided"
    assert "no direction" in resistance.reason
    found = assemble(study)
    assert seed_indices(found, "resistance").exhausted
    assert len(replaced_indices(found)) == seeds
    assert replaced_indices(found) == study.read_status().replaced
    assert plan(study).unfinished == 0
