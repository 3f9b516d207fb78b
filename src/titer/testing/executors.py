"""The conformance check of executors: a few tasks that need no model."""

from __future__ import annotations

import tempfile
from pathlib import Path

from titer.errors import TiterError
from titer.execution.executor import Executor
from titer.methods.plugins import NAME
from titer.methods.roles import JUDGE_OF_TASK
from titer.records import Answer, Choice, DoseFacts, Environment, Spent
from titer.study.atomic_files import write_lines
from titer.study.store import Store
from titer.study.tasks import JudgeRef, JudgeTask
from titer.testing.tiny import tiny_items

ITEMS = "items"
ENVIRONMENT = Environment(
    python="", torch="", transformers="", peft="", device="", processor="", threads=1, dtype="float32", batch=1
)


def check_executor(executor: type[Executor], jobs: int = 2) -> None:
    """Assert that an executor does every task that it is given, once, and says which is done.

    Tasks are submitted again and again until each is done; what it wrote is there when it says so; and what a task
    raises is raised by `wait`.

    Args:
        executor: the class, which is made with a store in a temporary folder.
        jobs: how many tasks may be done at once.
    """
    assert NAME.fullmatch(executor.name), f"the name '{executor.name}' is of small letters, digits and underscores"
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder))
        missing = {task.key: task for task in (_task(store, f"cell{number}") for number in range(5))}
        with executor(store, jobs) as pool:
            while missing:
                for task in missing.values():
                    pool.submit(task)
                done = pool.wait()
                assert done.key in missing, "a task that was submitted is done once"
                assert store.scores(done.key, 0).exists(), "what a task wrote is there when it is done"
                del missing[done.key]
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
    answers = [Answer(probe="p", item=item.id, text=item.reference, ended="stop") for item in items]
    store.write_answers(cell, facts, answers)
    judge = JudgeRef(
        key=f"{cell}-judged",
        cell=cell,
        probe="p",
        items=ITEMS,
        judge=Choice(name=JUDGE_OF_TASK["generate"]),
        kind="correct",
        role="harm",
    )
    return JudgeTask(key=judge.key, judge=judge, doses=(0,))
