"""What planning costs: `python -m benchmarks.planning` prints a table over synthetic stores of 50 to 5,000 cells.

The stores are finished but for the last tasks, which are then done one by one: their files are written, and the planner
is told. The first plan reads the whole store; what a finished task costs should not depend on how many cells there are.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from titer.data.identifiers import ProbeId, SplitId
from titer.planning.judges.tasks import judges_of_study
from titer.planning.plan import Planner
from titer.protocol.schema import Protocol
from titer.records import Answer, DoseFacts, Score, Spent, SubjectRef, canonical
from titer.study.folder import Frozen, Study
from titer.study.store import Store
from titer.study.tasks import ExposeTask, Task
from titer.testing.executors import ENVIRONMENT

SIZES = (50, 500, 2_000, 5_000)
LADDER = (0, 8, 16, 32)
ITEMS = 60
LAST = 40
"""Tasks that are done one by one, of each store."""


def protocol(cells: int) -> Protocol:
    """One attack on one domain, as many seeds as make this number of cells of both subjects."""
    data: dict[str, Any] = {
        "study": {"name": "planning", "seeds": {"attack": cells // 2}, "descriptive": True},
        "subject": {"model": "organism"},
        "defense": [{"name": "no_op", "parameters": {}}],
        "harm": {
            "threshold": 0.2,
            "grading": {"harm": {"name": "exact_match", "parameters": {}}},
            "domain": [
                {
                    "name": "vaults",
                    "role": "defended",
                    "source": "organism:vaults",
                    "splits": {"attack": 8, "probe": ITEMS},
                }
            ],
        },
        "attacker": {
            "budget": {"steps": 32},
            "ladder": LADDER,
            "sham": False,
            "attack": [{"name": "direct", "parameters": {}}],
        },
    }
    return Protocol.model_validate_json(canonical(data))


def study(folder: Path, cells: int) -> Study:
    """A study that begins in a folder, frozen without a model."""
    plan = protocol(cells)
    frozen = Frozen(
        titer="planning",
        protocol=plan,
        subject=SubjectRef(key="m" * 32, source=None),
        reference=None,
        checkpoints={},
        parameters=1_000_000,
        threads=1,
        rows={SplitId.domain("vaults", "attack"): "a" * 32},
        items={ProbeId.of("harm", "vaults"): "i" * 32},
        item_ids={ProbeId.of("harm", "vaults"): tuple(str(item) for item in range(ITEMS))},
        judges=judges_of_study(plan),
        tokens={},
        options={},
        overlaps=(),
    )
    return Study(folder, plan, frozen, Store(folder / "store"))


def do(task: Task, store: Store) -> None:
    """Write what a worker would: a made subject, or the answers and scores of a cell at every dose."""
    if not isinstance(task, ExposeTask):
        store.write_folder(store.subject(task.key), lambda folder: None)
        return
    harmful = 60 if task.cell.subject == "undefended" else 0
    for dose in task.cell.doses:
        facts = DoseFacts(
            dose=dose,
            spent=Spent(),
            terms={},
            displacement=0.0,
            loss_tokens={},
            rows_used=0,
            template_train=None,
            template_probe="t",
            environment=ENVIRONMENT,
        )
        probe = task.inputs.probes[0].name
        store.write_answers(
            task.key, facts, [Answer(probe=probe, item=str(i), text="x", ended="stop") for i in range(ITEMS)]
        )
        broken = harmful if dose == LADDER[-1] else 0
        for judge in task.inputs.judges:
            value = 1.0 if judge.kind == "coherence" else 0.0
            values = [1.0 if judge.kind == "harm" and item < broken else value for item in range(ITEMS)]
            store.write_scores(judge.key, dose, [Score(item=str(i), value=v) for i, v in enumerate(values)])


def measure(cells: int, folder: Path) -> dict[str, float]:
    """Seconds of the first plan of an empty and of a nearly finished store, and of each of its last tasks."""
    begun = study(folder, cells)
    start = time.perf_counter()
    planner = Planner(begun)
    empty = time.perf_counter() - start
    while (task := planner.take()) is not None:
        if planner.unfinished <= LAST and task.kind == "expose":
            break
        do(task, begun.store)
        planner.finish(task)
    start = time.perf_counter()
    planner = Planner(begun)
    first = time.perf_counter() - start
    each = []
    while (task := planner.take()) is not None:
        do(task, begun.store)
        start = time.perf_counter()
        planner.finish(task)
        each.append(time.perf_counter() - start)
    assert planner.unfinished == 0
    return {"cells": cells, "empty": empty, "first": first, "task": statistics.median(each), "worst": max(each)}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="*", default=SIZES)
    options = parser.parse_args()
    print("| cells | first plan (s): empty store | finished store | a finished task (ms) | the slowest (ms) |")
    print("| --- | --- | --- | --- | --- |")
    for cells in options.sizes:
        with tempfile.TemporaryDirectory() as folder:
            found = measure(cells, Path(folder))
        shown = (
            f"{found['empty']:.2f} | {found['first']:.2f} | {1000 * found['task']:.2f} | {1000 * found['worst']:.2f}"
        )
        print(f"| {cells} | {shown} |", flush=True)


if __name__ == "__main__":
    main()
