"""What is expected of a study against what it was, and the arithmetic of what is left."""

from __future__ import annotations

import json
import random
import socket
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from support.command import Here
from support.studies import begin, finish, search

from titer.cli.output import time_range
from titer.data.identifiers import ProbeId
from titer.execution.worker import work as do
from titer.planning.cells import CellBuilder
from titer.planning.cost.estimate import Outlook
from titer.planning.cost.extent import AllAtOnce
from titer.planning.cost.model import Work
from titer.planning.curves import PlannedCell
from titer.planning.plan import Planner
from titer.records import Role
from titer.study.folder import Study
from titer.study.store import Store
from titer.study.tasks import CurtailedSampling, ExposeTask, MakeTask

HARM = ProbeId.of("harm", "red")


@pytest.fixture
def new(tmp_path: Path) -> Study:
    return begin(tmp_path)


def logged(study: Study) -> list[dict[str, Any]]:
    return [json.loads(line) for line in study.store.runs.read_text(encoding="utf-8").splitlines()]


def log(study: Study, task: MakeTask | ExposeTask, seconds: float, **changes: Any) -> None:
    """Say that a task was done on this machine."""
    entry = {"task": task.kind, "key": task.key, "wall_seconds": seconds, "peak_bytes": 3 * 2**30, "resumed_at": 0}
    study.store.log_run({**entry, "host": socket.gethostname(), **changes})


def test_every_task_is_foreseen_and_no_other(new: Study, done: Study) -> None:
    """The shams of the undefended subject too, which are planned only when its doses are known; the defended one is
    foreseen not to break, and where it does its shams are added.
    """
    added = {cell.key for cell in done.read_cells() if (cell.purpose, cell.subject) == ("sham", "defended")}
    assert len(added) == 2
    exposed = {task["key"] for task in logged(done) if task["task"] != "judge"}
    assert Outlook(Planner(new), 1).waiting == exposed - added


def test_nothing_is_left_of_a_finished_study(done: Study) -> None:
    outlook = Outlook(Planner(done), 2)
    assert (outlook.left, outlook.left_seconds) == (Work(), 0)
    assert (outlook.memory_bytes, outlook.disk_bytes) == (0, 0)


def test_disk_is_met_within_a_factor_of_two_and_memory_from_below(new: Study, done: Study) -> None:
    size = sum(path.stat().st_size for path in done.store.root.rglob("*") if path.is_file())
    assert 0.5 < Outlook(Planner(new), 1).disk_bytes / size < 2
    assert 0 < Outlook(Planner(new), 1).memory_bytes < max(task["peak_bytes"] for task in logged(done))


def test_memory_is_what_workers_were_measured_to_take(new: Study) -> None:
    task = next(iter(Outlook(Planner(new), 1).tasks.values()))
    log(new, task, 1.0)
    log(new, task, 1.0, host="elsewhere", peak_bytes=2**50)
    assert Outlook(Planner(new), 2).memory_bytes == 2 * 3 * 2**30


def test_the_whole_is_the_sum_of_its_tasks(new: Study) -> None:
    outlook = Outlook(Planner(new), 1)
    works = [outlook.work(task) for task in outlook.tasks.values()]
    assert outlook.left.tasks == len(works) == len(outlook.waiting)
    assert outlook.left.tokens == pytest.approx(sum(work.tokens for work in works))
    assert outlook.left.in_batches == pytest.approx(sum(work.in_batches for work in works))


def spent(outlook: Outlook, store: Store, task: MakeTask | ExposeTask) -> Work:
    """What a task did, up to the dose that it came to."""
    if isinstance(task, MakeTask):
        return outlook.costs.make(task)
    return outlook.costs.expose(task, max(int(path.stem) for path in store.answers(task.key, 0).parent.glob("*.jsonl")))


def spent_of(study: Study) -> tuple[Work, dict[str, int]]:
    """What a study did in all, by its finished planner's tasks; and the last dose of each curve that can break."""
    outlook = Outlook(Planner(study), 1)
    total, ends = Work(), {}
    for task in outlook.tasks.values():
        total = total.plus(spent(outlook, study.store, task))
        if isinstance(task, ExposeTask) and task.cell.stop is not None and task.cell.purpose != "trial":
            ends[task.key] = max(dose for dose in task.cell.doses if study.store.answers(task.key, dose).exists())
    return total, ends


def shams(outlook: Outlook, dose: int) -> Work:
    """Those of both subjects, up to a dose."""
    study, total = outlook.study, Work()
    roles: tuple[Role, Role] = ("undefended", "defended")
    for place, role, choice in product(range(2), roles, study.protocol.attacker.attack):
        builder = CellBuilder(study, study.protocol.study.seeds.first + place)
        places = {domain.name: place for domain in study.protocol.harm.domain}
        for curve in builder.sham(role, choice, dose, places, {}):
            total = total.plus(outlook.costs.expose(curve.cells[0].task, dose))
    return total


def test_where_all_break_at_once_the_study_takes_the_least(tmp_path: Path) -> None:
    def change(data: dict[str, Any]) -> None:
        data["attacker"] |= {"budget": {"steps": 16}, "ladder": [0, 16, 24, 32]}
        data["attacker"]["attack"] = [{"name": "direct", "lr": 3e-2, "batch": 4}]

    study = begin(tmp_path, change)
    outlook = Outlook(Planner(study), 1)
    least, most = outlook.least, outlook.most
    finish(study)
    took, ends = spent_of(study)
    assert set(ends.values()) == {16}
    assert took == pytest.approx(least)
    assert least.tokens < outlook.whole.tokens < most.tokens


def test_where_none_breaks_the_study_takes_the_most_without_its_shams(tmp_path: Path) -> None:
    def change(data: dict[str, Any]) -> None:
        data["attacker"]["attack"] = [{"name": "direct", "lr": 1e-9, "batch": 4}]

    study = begin(tmp_path, change)
    outlook = Outlook(Planner(study), 1)
    least, most = outlook.least, outlook.most
    finish(study)
    took, ends = spent_of(study)
    assert set(ends.values()) == {8}
    assert took.plus(shams(outlook, 8)) == pytest.approx(most)
    assert least.tokens < took.tokens


def test_the_range_holds_a_study_and_closes_about_it(new: Study, done: Study, tmp_path: Path) -> None:
    outlook, (took, _) = Outlook(Planner(new), 1), spent_of(done)
    for place in range(len(took)):
        assert outlook.least[place] <= took[place] <= outlook.most[place]
    finished = Outlook(Planner(done), 1)
    assert (finished.least, finished.most) == (Work(), Work())


@pytest.mark.parametrize(
    ("sampling", "fewest"),
    [
        (CurtailedSampling(probe=HARM, intact=3, broken=9, collapse_counts=False), 9),
        (CurtailedSampling(probe=HARM, intact=12, broken=9, collapse_counts=False), 4),
        (CurtailedSampling(probe=HARM, intact=None, broken=None, collapse_counts=False), 16),
    ],
)
def test_a_dose_is_decided_by_the_fewest_items_that_can(sampling: CurtailedSampling, fewest: int, new: Study) -> None:
    outlook = Outlook(Planner(new), 1)
    curve = next(curve for curve in outlook.planner.curves if curve.spec.purpose == "resistance")
    (cell,) = curve.cells
    inputs = cell.task.inputs.model_copy(update={"early_decision": sampling})
    early = PlannedCell(cell.task.model_copy(update={"inputs": inputs}), cell.lineage)
    extent = AllAtOnce(new, outlook.costs)
    ((_, usual), (_, least)) = (*extent.exposed([cell]), *extent.exposed([early]))
    (probe,) = cell.task.inputs.probes
    of_all = outlook.costs.ask(probe).tokens
    assert usual.tokens - least.tokens == pytest.approx(of_all * (1 - fewest / 16)), "at dose 2; dose 0 is asked whole"


@pytest.mark.parametrize("in_decoding", [1e-10, 1e-9, 1e-8])
def test_half_of_the_tasks_tell_the_rest_within_a_factor_of_two(in_decoding: float, new: Study, done: Study) -> None:
    """A made-up machine that takes 0.2 s a task and is now faster, now slower; the tasks come as they came."""
    chance, outlook = random.Random(5), Outlook(Planner(new), 2)
    order = [outlook.tasks[entry["key"]] for entry in logged(done) if entry["key"] in outlook.tasks]
    seconds = {}
    for task in order:
        took = spent(outlook, done.store, task)
        whole = 0.2 + 1e-9 * took.in_batches + in_decoding * took.in_decoding
        seconds[task.key] = whole * 1.5 ** chance.uniform(-1, 1)
    cells = [task for task in order if isinstance(task, ExposeTask)]
    half = order[: order.index(cells[len(cells) // 2])]
    assert outlook.left_seconds is None
    for task in half:
        log(new, task, seconds[task.key])
        outlook.update(task)
    rest = sum(seconds[task.key] for task in order[len(half) :])
    assert outlook.left_seconds is not None
    assert 0.5 < outlook.left_seconds * 2 / rest < 2


def test_workers_share_the_work_and_a_slower_machine_takes_longer(new: Study) -> None:
    task = next(task for task in Outlook(Planner(new), 1).tasks.values() if isinstance(task, MakeTask))
    log(new, task, 10.0)
    alone, two = Outlook(Planner(new), 1), Outlook(Planner(new), 2)
    assert alone.left_seconds is not None
    assert two.left_seconds == pytest.approx(alone.left_seconds / 2)
    assert two.disk_bytes == alone.disk_bytes
    assert two.memory_bytes == 2 * alone.memory_bytes
    for _ in range(300):
        log(new, task, 20.0)
    assert Outlook(Planner(new), 1).left_seconds == pytest.approx(2 * alone.left_seconds)


def test_other_studies_and_resumed_makes_teach_nothing(new: Study) -> None:
    task = next(task for task in Outlook(Planner(new), 1).tasks.values() if isinstance(task, MakeTask))
    log(new, task, 10.0, resumed_at=3)
    log(new, task, 10.0, key="of another study")
    log(new, task, 10.0, key="another subject", work=Work(in_batches=1e12)._asdict())
    assert Outlook(Planner(new), 1).left_seconds is None
    log(new, task, 10.0, key=new.frozen.subject.key, work=Work(in_batches=1e12)._asdict())
    assert Outlook(Planner(new), 1).left_seconds is not None


def test_what_is_left_falls_to_nothing_and_is_known_from_the_first_task_on(new: Study) -> None:
    planner = Planner(new)
    outlook = Outlook(planner, 1)
    assert outlook.left_seconds is None
    before, rises = outlook.left.tokens, 0
    while (task := planner.take()) is not None:
        do(task, new.store)
        others = planner.finish(task)
        outlook.update(task)
        assert outlook.left.tokens <= before or others
        rises += outlook.left.tokens > before
        before = outlook.left.tokens
        assert outlook.left_seconds is not None
    assert rises == 1, "only the shams of the defended subject are not foreseen"
    assert outlook.left == Work()
    assert outlook.left_seconds == 0


def test_an_update_reads_no_cell(new: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    planner = Planner(new)
    outlook = Outlook(planner, 1)
    task = planner.take()
    assert task is not None
    for name in ("answers", "scores", "subject", "failed"):
        monkeypatch.setattr(Store, name, lambda *of: pytest.fail("the store was looked at"))
    before = outlook.left.tasks
    outlook.update(task)
    assert outlook.left.tasks == before - 1


def test_tasks_that_were_not_foreseen_are_added(new: Study) -> None:
    """An index gives way to the next: what that takes is added."""
    tasks = [curve.cells[0].task for curve in Planner(new).curves]
    exposure, other = [task for task in tasks if (task.cell.purpose, task.cell.index) == ("resistance", 0)]
    new.store.write_failure(other.key, "diverged at step 1")
    planner = Planner(new)
    outlook = Outlook(planner, 1)
    before = outlook.left
    new.store.write_failure(exposure.key, "diverged at step 1")
    while (task := planner.take()) is not None and task.key != exposure.key:
        pass
    planner.finish(exposure)
    outlook.update(exposure)
    assert planner.replaced == ("resistance: index 0: diverged at step 1",)
    assert outlook.left.tasks > before.tasks


def test_what_searches_add_is_counted_until_it_is_planned(new: Study, tmp_path: Path) -> None:
    fixed = Outlook(Planner(new), 1)
    assert not fixed.searches
    assert fixed.to_come == Work()
    study = begin(tmp_path / "other", search)
    planner = Planner(study)
    outlook = Outlook(planner, 1)
    least, most = outlook.least, outlook.most
    assert outlook.searches
    # M: 2 more trials, 6 re-runs, 3 shams; M*: 4, 6 and 3; 2 seeds of 2 domains on M, with a sham, and twice on M*
    assert outlook.to_come.tasks == (2 + 6 + 3) + (4 + 6 + 3) + 2 * (2 * (1 + 2) + 1)
    whole = outlook.whole.tokens
    begun = outlook.left.tasks
    while (task := planner.take()) is not None:
        do(task, study.store)
        planner.finish(task)
        outlook.update(task)
    assert outlook.whole == Work()
    did = sum(
        outlook.costs.expose(one, one.cell.doses[-1]).tokens for one in outlook.tasks.values() if one.kind == "expose"
    )
    assert begun > 0
    assert 0.5 < whole / did < 2
    took, _ = spent_of(study)
    assert least.tokens < took.tokens < most.tokens


# ------------------------------------------------------------------------------------------------ on the screen
def test_time_and_money_are_told_once_something_was_measured(new: Study, here: Here) -> None:
    unknown = json.loads(here("plan", new.folder, "--price", 3600, "--json").out)
    assert (unknown["seconds"], unknown["price_per_hour"], unknown["money"]) == (None, 3600, None)
    said = here("plan", new.folder, "--price", 2.5).out
    assert "titer plan --measure" in said
    assert "at least" in said
    assert "money" not in said
    for task in Outlook(Planner(new), 1).tasks.values():
        log(new, task, 60.0)
    known = json.loads(here("plan", new.folder, "--price", 3600, "--json").out)
    assert known["seconds"] > 60
    assert 60 < known["least"]["seconds"] < known["most"]["seconds"]  # with shams, which the first figure leaves out
    assert known["least"]["money"] < known["most"]["money"]
    assert known["money"] == pytest.approx(known["seconds"], abs=0.06)
    assert (known["tokens"], known["flops"]) == (unknown["tokens"], unknown["flops"])
    said = here("plan", new.folder, "--price", 2.5).out
    assert "at 2.5 an hour" in said
    assert "the less the sooner models break" in " ".join(said.split())
    assert "3.0 GiB, by what has run here" in said
    assert "million through the model" in said
    assert "titer plan --measure" not in said


@pytest.mark.parametrize(
    ("least", "most", "said"),
    [
        (720, 2700, "12 to 45 min"),
        (40, 720, "40 s to 12 min"),
        (3600, 9000, "60 min to 2 h 30 min"),
        (7500, 9000, "2 h 5 min to 2 h 30 min"),
        (710, 730, "about 12 min"),
    ],
)
def test_a_range_of_times_is_said_as_people_do(least: float, most: float, said: str) -> None:
    assert time_range(least, most) == said


@pytest.mark.parametrize("price", ["-1", "nan", "inf", "cheap"])
def test_a_price_is_a_number(price: str, new: Study, here: Here) -> None:
    done = here("plan", new.folder, "--price", price, "--json")
    assert (done.code, done.out) == (2, "")
    assert "--price" in done.err


def test_searches_are_named(tmp_path: Path, here: Here) -> None:
    study = begin(tmp_path, search)
    assert "as if all that they try were the attack written by hand" in " ".join(here("plan", study.folder).out.split())
    assert json.loads(here("plan", study.folder, "--json").out)["searches"] is True
