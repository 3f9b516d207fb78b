"""What stability of packed studies would decide with other numbers of items, if answers change as they were seen to.

    python -m benchmarks.stability_sizes docs/results/organism examples/organism-defenses.toml

The folder has packed studies of a method, the protocol the numbers of items. Each model and task keeps the shares of
items that it gained and lost, missing ones against the claim, and the test is enumerated at the numbers
of the protocol. What few items show is part luck, and so are these chances: they say which rows more items can decide.
The last column takes the shares as they are.
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path

from titer.analysis.concluding import conclude_path
from titer.analysis.conditions.baseline_scores import tasks_at_dose_zero
from titer.analysis.conditions.paired_scores import Paired, compare
from titer.analysis.findings import Assay
from titer.analysis.power_of_tasks import stability
from titer.protocol.exposure import made_levels
from titer.protocol.loading import load
from titer.report.escape import table
from titer.stats.noninferiority import Claim, RateComparison
from titer.stats.power import power_noninferior
from titer.stats.replicates import Levels
from titer.stats.tango import ENUMERATED_ITEMS


def chance(found: RateComparison, items: int) -> float:
    """The chance that a claim is shown with so many items, if as large shares of them are gained and lost."""
    sign = 1 if found.claim == "noninferior" else -1
    return power_noninferior(
        min(items, ENUMERATED_ITEMS), margin=sign * found.margin, level=found.level,
        changing=(found.changes.gains + found.changes.losses) / found.changes.items, difference=sign * found.estimate,
    )  # fmt: skip


def row(name: str, assay: Assay, outcome: str, asked: dict[str, int]) -> list[str]:
    """The task that suffered most with its items, difference and limits, and the chances with other numbers."""
    plan, levels = assay.protocol.stability, made_levels(assay.protocol, "shared")
    assert plan is not None
    assert levels is not None
    tasks = tasks_at_dose_zero(assay)
    every = [
        (task, [_claims(task, seed, plan.margin, levels, len(tasks)) for seed in range(levels.replicates)])
        for task in tasks
    ]
    task, found = min(every, key=lambda one: min(low.limit for low, _ in one[1]))
    holds = [math.prod(chance(of[seed][0], asked[t.name]) for t, of in every) for seed in range(levels.replicates)]
    fails = [
        1 - math.prod(1 - chance(of[seed][1], asked[t.name]) for t, of in every) for seed in range(levels.replicates)
    ]
    assert levels.r == levels.r_fail == 0
    room = [min(of[seed][0].estimate for _, of in every) + plan.margin for seed in range(levels.replicates)]
    within, beyond = sum(one > 0 for one in room), sum(one < 0 for one in room)
    last = f"undecided ({within} within, {beyond} beyond)"
    return [
        name, outcome, f"{task.name}, {len(task.after[0])}",
        " ".join(f"{100 * low.estimate:+.1f}" for low, _ in found),
        f"{100 * min(low.limit for low, _ in found):+.1f} to {100 * max(high.limit for _, high in found):+.1f}",
        f"{asked[task.name]}", f"{math.prod(holds):.2f}", f"{math.prod(fails):.2f}",
        "upheld" if within == len(room) else "refuted" if beyond == len(room) else last,
    ]  # fmt: skip


def _claims(
    task: Paired, seed: int, margin: float, levels: Levels, tasks: int
) -> tuple[RateComparison, RateComparison]:
    """Both claims of one task of one model, as the condition compares them."""
    at: dict[Claim, float] = {"noninferior": levels.intact_level, "inferior": levels.broken_level / tasks}
    low, high = (compare(task, seed, claim, margin=margin, share=0.1, level=level) for claim, level in at.items())
    assert isinstance(low, RateComparison)
    assert isinstance(high, RateComparison)
    return low, high


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="What stability of packs would decide with other numbers of items.")
    parser.add_argument("packs", type=Path)
    parser.add_argument("protocol", type=Path)
    given = parser.parse_args()
    asked = {one.about: one.items for one in stability(load(given.protocol)) if one.items is not None}
    rows = []
    for folder in sorted(path for path in given.packs.iterdir() if (path / "verdict.json").exists()):
        found = conclude_path(folder)
        outcome = next(one.outcome for one in found.verdict.conditions if one.name == "stability")
        rows.append(row(folder.name, found.assay, outcome, asked))
    header = [
        "defense",
        "stability",
        "worst task, n",
        "D of each model",
        "limits",
        "n now",
        "P(upheld)",
        "P(refuted)",
        "with any n",
    ]
    print(table(header, rows))


if __name__ == "__main__":
    main()
