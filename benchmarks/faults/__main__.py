"""What faults do to a study: `python -m benchmarks.faults` prints a table, in a quarter of an hour on two cores.

A study of a second is killed at random moments, stopped, and left without disk or memory; then it is run again until
it is finished, and must end equal to the undisturbed one in every byte of data, subjects, cells, scores, verdict and
report. Each fault is drawn from the seed, its kind and its number: `--only "disk full" --number 7` repeats one and says
all of it. Ends with 1 if a study hung, crashed, was never finished, or differs.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from math import ceil
from pathlib import Path

from benchmarks.faults import trial
from benchmarks.faults.faults import KINDS, Kind, Laboratory, Outcome
from benchmarks.faults.study import write_protocol


def main(arguments: Sequence[str]) -> int:
    """Print the table; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.faults", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seed", type=int, default=1, help="what all faults are drawn from")
    parser.add_argument("--share", type=float, default=1.0, help="of the faults of each kind, rounded up")
    parser.add_argument("--only", nargs="+", choices=[kind.name for kind in KINDS], help="faults of some kinds")
    parser.add_argument("--number", type=int, help="the fault of this number, told in full")
    given = parser.parse_args(arguments)
    trial.load()
    with tempfile.TemporaryDirectory(prefix="faults-") as home:
        kinds = [kind for kind in KINDS if not given.only or kind.name in given.only]
        streams = {stream for kind in kinds for stream in kind.streams}
        laboratory = Laboratory(Path(home), write_protocol(Path(home) / "inputs"), streams)
        print(f"seed {given.seed}; events of the undisturbed study: {laboratory.events}\n")
        print(f"{'fault':<26}{'faults':>6}  {'struck':>6}  {'equal':>5}  exit codes of the run that met it")
        problems = []
        for kind in kinds:
            numbers = range(ceil(kind.faults * given.share)) if given.number is None else [given.number]
            problems += list(_row(laboratory, kind, numbers, given.seed, given.number is not None))
    print("\n" + ("\n".join(problems) or "Every study ended equal to the undisturbed one."))
    return 1 if problems else 0


def _row(laboratory: Laboratory, kind: Kind, numbers: Sequence[int], seed: int, in_full: bool) -> Iterator[str]:
    """Let studies meet faults of a kind, and print what became of them in a line; the problems."""
    outcomes = {number: laboratory.meet(kind, number, seed) for number in numbers}
    codes = Counter(outcome.first.code for outcome in outcomes.values())
    struck = sum(bool(outcome.struck) for outcome in outcomes.values())
    equal = sum(outcome.problem is None for outcome in outcomes.values())
    ended = ", ".join(f"{'none' if code is None else code}: {times}" for code, times in codes.most_common())
    print(f"{kind.name:<26}{len(outcomes):>6}  {struck:>6}  {equal:>5}  {ended}", flush=True)
    for number, outcome in outcomes.items():
        if in_full:
            print(_story(outcome, outcome.first.said))
        if outcome.problem is not None:
            last_words = outcome.first.said.strip().rpartition("\n")[2]
            yield f"{kind.name}, number {number}: {outcome.problem}\n{_story(outcome, last_words)}"


def _story(outcome: Outcome, said: str) -> str:
    return (
        f"    struck at {outcome.struck or 'nothing'}\n    ended with {outcome.first.code}: {said.strip()}\n"
        f"    run {outcome.more_runs} times more, ended with {outcome.last.code}"
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
