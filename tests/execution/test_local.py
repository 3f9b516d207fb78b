"""Workers that die, find no memory or hang: each is replaced, its task tried again, and nothing of it is a result."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.studies import RESULTS, begin_again, contents
from support.workers import Ending, FailingPool, Hanging, WithoutMakes, WithoutMemory

from titer.boundary import reading
from titer.conclude import conclude
from titer.errors import InputError, MachineFailure, RunError, UnfinishedError
from titer.execution.local import LocalPool
from titer.execution.processes import is_out_of_memory
from titer.records import Compute
from titer.run import run
from titer.study.folder import Study
from titer.study.store import Store
from titer.study.tasks import JudgeTask
from titer.testing import check_executor


@pytest.mark.parametrize("pool", [LocalPool, FailingPool, WithoutMemory])
def test_every_task_is_done_whatever_becomes_of_a_worker(
    pool: type[LocalPool], caplog: pytest.LogCaptureFixture
) -> None:
    check_executor(pool)
    told = [record.getMessage() for record in caplog.records]
    assert len(told) == (0 if pool is LocalPool else 6)
    reason = "it ran out of memory" if pool is WithoutMemory else "it was killed by SIGKILL"
    assert all(reason in line and "it is tried again, 2 of 3" in line for line in told)


def test_a_worker_that_hangs_is_reported_and_then_ended(caplog: pytest.LogCaptureFixture) -> None:
    check_executor(Hanging)
    reported, ended = (record.getMessage() for record in caplog.records)
    assert reported.startswith("titer: the worker at judge cell3 has been silent for 0.0166667 min; it is ended after")
    assert "a worker died at judge cell3 (it was silent for 0.1 min, and was ended); it is tried again" in ended


def test_three_tries_are_all(tmp_path: Path) -> None:
    with Ending(Store(tmp_path), 1) as pool:
        for name in ("one", "two"):
            pool.submit(JudgeTask(key=name, judges=(), doses=(), compute=Compute()))
        for name in ("one", "two"):
            with pytest.raises(MachineFailure, match=f"judge {name}: it ended with exit code 3, at the last of 3"):
                pool.wait()
        assert pool.is_idle
        assert pool.has_room
    assert {path.read_text() for path in tmp_path.glob("tried-*")} == {"xxx"}


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (MemoryError(), True),
        (OSError(12, "Cannot allocate memory"), True),
        (RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB"), True),
        (RuntimeError("shape mismatch"), False),
        (OSError(28, "No space left on device"), False),
        (ValueError("out of memory"), False),
    ],
)
def test_no_memory_is_told_from_other_errors(error: Exception, expected: bool) -> None:
    assert is_out_of_memory(error) == expected


def test_input_that_could_not_be_read_for_lack_of_memory_is_not_to_blame() -> None:
    with pytest.raises(InputError) as caught, reading("subject.model", "the model", "Name another."):
        raise MemoryError
    assert is_out_of_memory(caught.value)


@pytest.mark.model
def test_what_the_machine_cannot_do_is_told_once_all_else_is_done(done: Study, tmp_path: Path) -> None:
    study = begin_again(done, tmp_path / "study")
    with pytest.raises(RunError) as caught:
        list(run(study, 2, executor=WithoutMakes))
    (make,) = {path.name for path in (done.store.root / "subjects").iterdir()}
    told = f"1 of the tasks could not be done, by the machine's failure: make {make}: it was killed by SIGKILL"
    assert str(caught.value).startswith(told)
    assert "fewer --jobs" in str(caught.value)
    made, all_of_it = (contents(one.store.root, "cells", "scores") for one in (study, done))
    assert made.items() < all_of_it.items()
    undefended = [cell for cell in done.read_cells() if not cell.makes and cell.purpose != "sham"]
    assert {cell.key for cell in undefended} <= {path.split("/")[1] for path in made}
    assert not (study.store.root / "failed").exists()
    with pytest.raises(UnfinishedError):
        conclude(study)

    list(run(study, 2, executor=FailingPool))
    conclude(study)
    assert contents(study.store.root, *RESULTS) == contents(done.store.root, *RESULTS)
    assert (study.folder / "verdict.json").read_bytes() == (done.folder / "verdict.json").read_bytes()
