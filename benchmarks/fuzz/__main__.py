"""`python -m benchmarks.fuzz` bends protocols and files at random, plans each, and prints one table of how they ended.

Every case is accepted (exit 0) or refused (exit 2, one message with its place and remedy); anything else is a fault,
whose inputs are kept: a traceback, another exit code, a hang, a long message, one with control characters. A case is
all in the seed and its number: `--replay protocol-17` runs one again and prints what it said.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from benchmarks.fuzz.outcome import SECONDS

AT_A_TIME = 500
"""Cases of one process, so that what libraries leak does not count."""
QUIET = {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1", "COLUMNS": "80"}


def main() -> None:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fuzz", description=__doc__)
    parser.add_argument("--protocols", type=int, default=10_000, help="bent protocols")
    parser.add_argument(
        "--files", type=int, default=1_000, help="bent files: two in five of rows, the others of models"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--limit", type=float, default=SECONDS, help="seconds of the processor for each case")
    parser.add_argument("--light", action="store_true", help="small studies only, whose plan takes no second")
    parser.add_argument("--folder", type=Path, default=None, help="for outcomes and faults; default a temporary one")
    parser.add_argument("--replay", help="one case, as KIND-NUMBER")
    parser.add_argument("--worker", nargs=3, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    folder = (asked.folder or Path(tempfile.mkdtemp(prefix="titer-fuzz-"))).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    if asked.worker:
        _work(asked, folder)
        return
    wanted = {"protocol": asked.protocols, "source": asked.files * 2 // 5, "model": asked.files * 3 // 5}
    if asked.replay:
        kind, _, number = asked.replay.rpartition("-")
        found = list(_batch(kind, int(number), int(number) + 1, asked, folder))
        print(*(f"{one['fault'] or 'as it should be'}, exit {one['code']}\n{one['message']}" for one in found))
        return
    found = []
    with (folder / "outcomes.jsonl").open("w", encoding="utf-8") as outcomes:
        for kind, number in wanted.items():
            for one in _all(kind, number, asked, folder):
                found.append(one)
                print(json.dumps(one), file=outcomes, flush=True)
    print(table(found))
    print(f"Faults are kept in {folder / 'faults'}." if any(one["fault"] for one in found) else "No faults.")
    sys.exit(1 if any(one["fault"] for one in found) else 0)


def _all(kind: str, number: int, asked: argparse.Namespace, folder: Path) -> Iterator[dict[str, Any]]:
    for first in range(0, number, AT_A_TIME):
        yield from _batch(kind, first, min(first + AT_A_TIME, number), asked, folder)


def _batch(kind: str, first: int, last: int, asked: argparse.Namespace, folder: Path) -> Iterator[dict[str, Any]]:
    """Run cases in a process of their own; where it dies in one, that one is a fault, and another goes on behind it."""
    while first < last:
        worker = [kind, str(first), str(last)]
        own = ["--seed", str(asked.seed), "--limit", str(asked.limit), "--folder", str(folder), "--worker", *worker]
        own += ["--light"] if asked.light else []
        called = [sys.executable, "-m", "benchmarks.fuzz", *own]
        process = subprocess.Popen(called, stdout=subprocess.PIPE, text=True, env=QUIET | dict(os.environ))
        assert process.stdout is not None
        begun: dict[str, Any] = {}
        for line in process.stdout:
            told = json.loads(line)
            begun = {} if "code" in told else told
            if "code" in told:
                yield told
                first = told["number"] + 1
                if told["fault"]:
                    print(f"{kind}-{told['number']}: {told['fault']}: {_last(told['message'])}", file=sys.stderr)
        if process.wait() and not begun:
            sys.exit(f"the worker ended with {process.returncode} outside of any case")
        if begun:
            yield {**begun, "code": process.returncode, "message": "", "seconds": 0.0, "fault": "the process died"}
            first = begun["number"] + 1


def _last(message: str) -> str:
    return (message.strip().splitlines() or [""])[-1][:200]


def _work(asked: argparse.Namespace, folder: Path) -> None:
    """Run cases, their outcomes on the standard output, which nothing else comes to."""
    from benchmarks.fuzz import cases  # it loads the libraries of models, which only this process needs

    kind, first, last = asked.worker
    numbers = [(kind, number) for number in range(int(first), int(last))]
    log = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    cases.run(numbers, cases.Run(seed=asked.seed, folder=folder, limit=asked.limit, light=asked.light), log)


def table(found: Iterable[dict[str, Any]]) -> str:
    """One line for each kind of case: how many, how they ended, what they cost."""
    by_kind: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for one in found:
        by_kind[one["kind"]].append(one)
    lines = ["| case | run | accepted | refused | faults | mean ms | longest s |", "|---|---|---|---|---|---|---|"]
    for kind, own in by_kind.items():
        faults = Counter(one["fault"] for one in own if one["fault"])
        codes = Counter(one["code"] for one in own if not one["fault"])
        said = ", ".join(f"{number} {fault}" for fault, number in faults.items()) or "0"
        seconds = [one["seconds"] for one in own]
        mean, most = 1000 * sum(seconds) / len(own), max(seconds)
        lines.append(f"| {kind} | {len(own)} | {codes[0]} | {codes[2]} | {said} | {mean:.0f} | {most:.1f} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
