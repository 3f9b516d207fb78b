"""The conformance check of executors: a few tasks that need no model."""

from __future__ import annotations

import tempfile
from pathlib import Path

from titer.data.identifiers import ProbeId
from titer.errors import TiterError
from titer.execution.executor import Executor
from titer.methods.plugins import NAME
from titer.methods.roles import JUDGE_OF_TASK
from titer.records import Answer, Choice, Compute, DoseFacts, Environment, Spent
from titer.study.atomic_files import write_lines
from titer.study.judging import JudgeSpec, judge_ref
from titer.study.store import Store
from titer.study.tasks import JudgeTask, ProbeAt
from titer.testing.tiny import tiny_items

ITEMS = "items"
ENVIRONMENT = Environment(
    python="", torch="", transformers="", peft="", device="", processor="", threads=1, dtype="float32", batch=1
)


def check_executor(executor: type[Executor], jobs: int = 2) -> None:
    """Assert that an executor does every task that it is given, once, and says which is done.

    What a task wrote is there when `wait` names it, and what a task raises is raised by `wait`.

    Args:
        executor: the class, which is made with a store in a temporary folder.
        jobs: how many tasks may be done at once.
    """
    assert NAME.fullmatch(executor.name), f"the name '{executor.name}' is of small letters, digits and underscores"
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder))
        missing = {task.key: task for task in (_task(store, f"cell{number}") for number in range(5))}
        with executor(store, jobs) as pool:
            assert pool.is_idle, "nothing is waited for before a task is given"
            assert pool.has_room, "where nothing was given there is room"
            waiting = list(missing.values())
            while missing:
                while waiting and pool.has_room:
                    pool.submit(waiting.pop())
                assert not pool.is_idle, "a task that was given is waited for"
                done = pool.wait()
                assert done.key in missing, "a task that was given is done once"
                assert store.scores(done.judges[0].key, 0).exists(), "what a task wrote is there when it is done"
                del missing[done.key]
            assert pool.is_idle, "nothing is waited for when all is done"
        broken = _task(store, "broken")
        store.answers("broken", 0).write_text("", encoding="utf-8")
        assert _raises(executor, store, broken), "what a task raises is raised by wait"


def _raises(executor: type[Executor], store: Store, task: JudgeTask) -> bool:
    try:
        with executor(store, 1) as pool:
            pool.submit(task)
            pool.wait()
    except TiterError:
        return True
    return False


def _task(store: Store, cell: str) -> JudgeTask:
    """Judge the answers of a cell, which are written first."""
    items = tiny_items(3)
    if not store.data(ITEMS).exists():
        write_lines(store.data(ITEMS), items)
    facts = DoseFacts(
        dose=0,
        spent=Spent(),
        terms={},
        displacement=0.0,
        loss_tokens={},
        rows_used=0,
        template_train=None,
        template_probe="",
        environment=ENVIRONMENT,
    )
    probe = ProbeId.of("harm", "p")
    answers = [Answer(probe=probe, item=item.id, text=item.reference, ended="stop") for item in items]
    store.write_answers(cell, facts, answers)
    spec = JudgeSpec(choice=Choice(name=JUDGE_OF_TASK["generate"]), kind="correct", configuration={})
    judge = judge_ref(cell, ProbeAt(probe=probe), ITEMS, "harm", spec)
    return JudgeTask(key=cell, judges=(judge,), doses=(0,), compute=Compute())
