"""What does not fit in a machine is said before a run, and a run ends before its disk is full."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from support.command import Here
from support.executors import InProcess
from support.studies import RESULTS, begin, contents, finish

from titer.cli import run as run_command
from titer.cli.planning import plan as plan_command
from titer.errors import RunError
from titer.planning.cost.estimate import Outlook
from titer.planning.cost.machine import (
    RESERVE_BYTES,
    DiskReserve,
    Machine,
    free_bytes,
    measure_machine,
    shortages,
)
from titer.planning.plan import Planner
from titer.run import run
from titer.study.folder import Study
from titer.study.tasks import MakeTask

GIB = 2**30
LARGE = Machine(memory=64 * GIB, free_memory=32 * GIB, disk=100 * GIB)


@pytest.fixture
def new(tmp_path: Path) -> Study:
    return begin(tmp_path)


class Known(Outlook):
    """The outlook of a study whose weights and measured memory are given, of one worker each."""

    def __init__(self, study: Study, jobs: int, weights: float, measured: int = 0) -> None:
        super().__init__(Planner(study), jobs)
        self.costs.weights, self.peak_bytes = weights, measured


# ------------------------------------------------------------------------------------------------ what does not fit
def test_a_small_study_fits(new: Study) -> None:
    assert shortages(Outlook(Planner(new), 2), LARGE) == ()


def test_weights_beyond_all_memory_cannot_fit(new: Study) -> None:
    outlook = Known(new, 3, weights=2 * GIB)
    assert outlook.weight_bytes == 3 * 4 * 5 * 2 * GIB
    (short,) = shortages(outlook, replace(LARGE, disk=10**15))
    assert (short.what, short.certain, short.there_bytes) == ("memory", True, 64 * GIB)
    assert str(short).startswith("memory does not fit: about 120.0 GiB are needed, and there are 64.0 GiB. --jobs 1 ")
    (short,) = shortages(Known(new, 1, weights=10 * GIB), replace(LARGE, disk=10**15))
    assert "Train adapters" in short.remedy


def test_memory_that_others_hold_now_is_warned_of(new: Study) -> None:
    (short,) = shortages(Known(new, 2, weights=GIB), replace(LARGE, disk=10**15))
    assert (short.certain, short.there_bytes) == (False, 32 * GIB)
    assert str(short) == "memory may not fit: about 40.0 GiB are needed, and there are 32.0 GiB. --jobs 1 would fit."


def test_what_was_measured_is_rough_and_never_refuses(new: Study) -> None:
    (short,) = shortages(Known(new, 2, weights=1.0, measured=50 * GIB), LARGE)
    assert (short.certain, short.needed_bytes) == (False, 100 * GIB)
    assert "a smaller compute.batch, or compute.dtype = bfloat16" in short.remedy


def test_no_more_workers_count_than_there_are_tasks(new: Study) -> None:
    tasks = len(Outlook(Planner(new), 1).waiting)
    assert Known(new, 1000, weights=1.0, measured=1).measured_bytes == tasks


def test_weights_lie_in_the_memory_of_the_gpu_where_there_is_one(new: Study) -> None:
    gpu = replace(LARGE, gpu_memory=24 * GIB, free_gpu_memory=10 * GIB, memory=GIB, free_memory=GIB, disk=10**15)
    (short,) = shortages(Known(new, 1, weights=2 * GIB), gpu)
    assert (short.what, short.certain, short.there_bytes) == ("GPU memory", True, 24 * GIB)
    (short,) = shortages(Known(new, 1, weights=GIB), gpu)
    assert (short.certain, short.there_bytes) == (False, 10 * GIB)


def test_a_disk_needs_room_for_all_that_is_kept_and_a_reserve(new: Study) -> None:
    outlook = Outlook(Planner(new), 1)
    needed = round(outlook.disk_bytes) + RESERVE_BYTES
    assert shortages(outlook, replace(LARGE, disk=needed)) == ()
    (short,) = shortages(outlook, replace(LARGE, disk=needed - 1))
    assert (short.what, short.certain) == ("disk", True)
    assert "another disk" in short.remedy


def test_partial_states_need_room_while_subjects_are_made(new: Study) -> None:
    """Weights and two moments, twice: the state before goes only when the new one is whole."""
    outlook = Known(new, 1, weights=GIB)
    (make,) = (task for task in outlook.tasks.values() if isinstance(task, MakeTask))
    assert outlook.costs.partial_states(make) == 2 * 3 * 4 * GIB
    assert outlook.disk_bytes > 7 * 4 * GIB
    outlook.update(make)
    assert outlook.disk_bytes < GIB


# ------------------------------------------------------------------------------------------------ measuring
def system(root: Path, files: dict[str, str]) -> Path:
    """A file system in which a kernel says what there is."""
    memory = {"proc/meminfo": "MemTotal: 1000 kB\nMemAvailable: 700 kB\nSwapTotal: 50 kB\nSwapFree: 40 kB\n"}
    for name, text in (memory | files).items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    return root


V1, V2 = "sys/fs/cgroup/memory", "sys/fs/cgroup"


@pytest.mark.parametrize(
    ("files", "memory", "free"),
    [
        ({}, 1050, 740),
        ({"proc/self/cgroup": "0::/\n"}, 1050, 740),
        (
            {
                "proc/self/cgroup": "0::/a/b\n",
                f"{V2}/a/b/memory.max": "max\n",
                f"{V2}/a/memory.max": "409600\n",
                f"{V2}/a/memory.current": "204800\n",
                f"{V2}/a/memory.stat": "anon 5\ninactive_file 102400\n",
            },
            400,
            300,
        ),
        (
            {  # in a container the group of the process is not there, and its limit is that of the top
                "proc/self/cgroup": "9:name=systemd:/\n4:cpu,memory:/docker/1\n0::/\n",
                f"{V1}/memory.limit_in_bytes": "512000\n",
                f"{V1}/memory.usage_in_bytes": "512000\n",
                f"{V1}/memory.stat": "total_inactive_file 51200\n",
            },
            500,
            50,
        ),
        (
            {"proc/self/cgroup": "4:memory:/\n", f"{V1}/memory.limit_in_bytes": "9223372036854771712\n"},
            1050,
            740,
        ),
    ],
    ids=["no groups", "no limit file", "v2, of a group above", "v1, in a container", "v1 without a limit"],
)
def test_memory_is_that_of_the_machine_or_of_its_control_group(
    files: dict[str, str], memory: int, free: int, tmp_path: Path
) -> None:
    machine = measure_machine(tmp_path, "cpu", system(tmp_path, files))
    assert (machine.memory / 1024, machine.free_memory / 1024) == (memory, free)
    assert machine.gpu_memory is None


def test_where_the_kernel_tells_nothing_all_memory_is_free(tmp_path: Path) -> None:
    machine = measure_machine(tmp_path, "cpu", tmp_path)
    assert machine.memory == machine.free_memory > 2**20


def test_the_disk_is_that_of_the_folder_that_will_be(tmp_path: Path) -> None:
    assert free_bytes(tmp_path / "not" / "yet") == pytest.approx(free_bytes(tmp_path), rel=0.1)


# ------------------------------------------------------------------------------------------------ while it runs
def test_a_run_ends_in_order_before_its_disk_is_full_and_goes_on_later(tmp_path: Path) -> None:
    study, whole = begin(tmp_path), begin(tmp_path, name="whole")
    free = iter([RESERVE_BYTES * 2] * 4 + [RESERVE_BYTES])
    with pytest.raises(RunError, match=f"{study.store.root} is nearly full: 32 MiB are free, .* Free some and run"):
        list(run(study, executor=InProcess, free=lambda folder: next(free)))
    assert len(study.store.runs.read_text(encoding="utf-8").splitlines()) == 4, "what was begun was finished"
    assert not [path for path in study.store.root.rglob(".*") if path.name != ".lock"]
    list(run(study, executor=InProcess))
    finish(whole)
    assert contents(study.store.root, *RESULTS) == contents(whole.store.root, *RESULTS)


def test_the_reserve_counts_what_other_workers_still_write(new: Study) -> None:
    planner = Planner(new)
    first, second = planner.take(), planner.take()
    assert first is not None
    assert second is not None
    costs = Outlook(planner, 1).costs
    needed = sum(costs.kept(task) + costs.partial_states(task) for task in (first, second)) + RESERVE_BYTES
    reserve = DiskReserve(new, lambda folder: round(needed) - 1)
    assert reserve.shortage([first]) is None
    assert reserve.shortage([first, second]) is not None


# ------------------------------------------------------------------------------------------------ on the screen
def test_plan_says_what_does_not_fit(new: Study, here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    small = Machine(memory=2**10, free_memory=2**10, disk=2**25)
    monkeypatch.setattr(plan_command, "measure_machine", lambda folder, device: small)
    said = " ".join(here("plan", new.folder).out.split())
    assert "memory does not fit: about" in said
    assert "disk does not fit" in said
    found = json.loads(here("plan", new.folder, "--json").out)
    assert [one["what"] for one in found["shortages"]] == ["memory", "disk"]
    assert (found["memory_free_bytes"], found["gpu_memory_free_bytes"], found["disk_free_bytes"]) == (
        2**10,
        None,
        2**25,
    )


def test_run_refuses_what_cannot_fit_and_the_protocol_may_then_be_changed(
    tmp_path: Path, tiny_file: Path, here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_command, "measure_machine", lambda folder, device: replace(LARGE, disk=2**20))
    done = here("run", tiny_file, "--out", tmp_path / "s")
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("titer: disk does not fit: about 3")
    assert not (tmp_path / "s" / "frozen.json").exists()
    assert not (tmp_path / "s" / "tasks.jsonl").exists()


def test_run_warns_of_what_may_not_fit(
    new: Study, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(run_command, "measure_machine", lambda folder, device: replace(LARGE, free_memory=0))
    run_command.check_room(new, 1, own_memory=True)
    assert "titer: memory may not fit" in capsys.readouterr().err
    run_command.check_room(new, 1, own_memory=False)
    assert capsys.readouterr().err == ""
