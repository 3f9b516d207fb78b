"""Two commands on one study or store at one moment: `python -m benchmarks.interleavings` prints a table.

Each interleaving is two real processes, with their workers, on a study of a second, the second begun after a random
delay. Each may only succeed or say that the study is busy (or, to `judge`, not finished). Then all is run to its end,
one command after the other, and must equal the undisturbed study in every byte of data, subjects, cells, scores, tasks
and verdict, with nothing half-written left; reports are left out. Every interleaving is drawn from the seed, its kind
and its number; how the processes come to meet is the machine's doing. Ends with 1 if anything is otherwise.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.faults import trial
from benchmarks.faults.study import write_protocol
from benchmarks.faults.trial import Ended
from titer.analysis.concluding import Conclusion

Arguments = tuple[str, ...]
BUSY = "is being run by another process"
UNFINISHED = ("is not finished", "has not been run yet", "is missing: `titer run")
"""What `judge` may say of a study that is under way."""
UNLIKE = (".lock", "runs.jsonl", "salt", "root.json", "store.path")
"""What two runs need not have in common: locks, the log of times, the salt with what has it inside, the place."""


@dataclass(frozen=True, kw_only=True)
class Kind:
    """Two commands that meet, and those that then bring everything to its end; all are called in a folder of theirs.

    Attributes:
        name: what the table says.
        pair: the two commands, in either order.
        ending: the commands that finish everything.
        before: those that went before, undisturbed.
    """

    name: str
    pair: tuple[Arguments, Arguments]
    ending: tuple[Arguments, ...]
    before: tuple[Arguments, ...] = ()


def take_scores_away(folder: Path) -> None:
    """Take the scores of a study away, which both `run` and `judge` then ask for."""
    shutil.rmtree(folder / "study" / "store" / "scores")
    (folder / "study" / "verdict.json").unlink()


def kinds(folder: Path) -> tuple[Kind, ...]:
    """The kinds of interleavings, of protocols that are written into a folder."""
    protocol = write_protocol(folder)
    other = folder / "other.toml"
    other.write_text(protocol.read_text(encoding="utf-8").replace("threshold = 0.5", "threshold = 0.4"))
    run = ("run", str(protocol), "--out", "study")
    one, two = (("run", str(path), "--out", path.stem, "--store", "{folder}/store") for path in (protocol, other))
    judge = ("judge", "study", "--judge", "refusal_removal")
    return (
        Kind(name="two runs of one study", pair=(run, run), ending=(run,)),
        Kind(name="plan beside run", pair=(("plan", *run[1:]), run), ending=(run,)),
        Kind(name="judge beside run", pair=(judge, run), ending=(run, judge), before=(run,)),
        Kind(name="two studies on one store", pair=(one, two), ending=(one, two)),
    )


@dataclass(frozen=True, kw_only=True)
class Meeting:
    """What became of two commands that met: how both ended, and what is wrong, if anything is."""

    pair: tuple[Ended, Ended]
    together: bool
    problem: str | None

    @property
    def busy(self) -> int:
        """How many were told that the study is busy."""
        return sum(ended.code == 1 and BUSY in ended.said for ended in self.pair)


class Laboratory:
    """The undisturbed folder of a kind, and how long its commands take, from which delays are drawn."""

    def __init__(self, home: Path, kind: Kind) -> None:
        self.home, self.kind = home, kind
        for arguments in kind.before:
            expect_done(home / "before", arguments)
        self.seconds: dict[Arguments, float] = {}
        for arguments in dict.fromkeys(kind.pair):
            begun = time.monotonic()
            expect_done(self._fresh("timed"), arguments)
            self.seconds[arguments] = time.monotonic() - begun
        whole = self._fresh("whole")
        for arguments in kind.ending:
            expect_done(whole, arguments)
        self.expected = contents(whole)

    def _fresh(self, name: str) -> Path:
        """A folder as the two commands find it."""
        folder = self.home / name
        shutil.rmtree(folder, ignore_errors=True)
        if self.kind.before:
            shutil.copytree(self.home / "before", folder)
        return folder

    def meet(self, number: int, seed: int) -> Meeting:
        """Let two commands meet, finish everything, and compare."""
        chance = random.Random(f"{seed}/{self.kind.name}/{number}")
        folder = self._fresh("trial")
        if self.kind.before and chance.random() < 0.5:
            take_scores_away(folder)
        first, second = chance.sample(self.kind.pair, 2)
        pair, together = self._together(folder, first, second, chance.uniform(0, self.seconds[first]))
        problem = next((told for told in map(_complaint, pair) if told), None)
        for arguments in self.kind.ending:
            ended = call(folder, arguments)
            problem = problem or (f"`{' '.join(arguments)}` afterwards:\n{ended.said}" if ended.code else None)
        found = contents(folder)
        differing = sorted(path for path in found | self.expected if found.get(path) != self.expected.get(path))
        problem = problem or (f"{differing[0]} differs, of {len(differing)}" if differing else None)
        return Meeting(pair=pair, together=together, problem=problem)

    def _together(
        self, folder: Path, first: Arguments, second: Arguments, delay: float
    ) -> tuple[tuple[Ended, Ended], bool]:
        """Start the second command `delay` seconds after the first, which may be over by then."""
        begun, met = time.monotonic(), list[Ended]()

        def begin_second(group: int) -> None:
            if not met and time.monotonic() - begun >= delay:
                met.append(call(folder, second, scratch="second"))

        ended = call(folder, first, begin_second)
        return (ended, met[0] if met else call(folder, second)), bool(met)


def call(
    folder: Path, arguments: Arguments, while_it_runs: Callable[[int], None] = lambda group: None, scratch: str = "tmp"
) -> Ended:
    """Run a command to its end in a folder, its temporary files elsewhere.

    Args:
        folder: the working directory.
        arguments: of the command line; `{folder}` stands for the folder.
        while_it_runs: called again and again.
        scratch: the name of its folder of temporary files, of its own where two run at once.
    """
    folder.mkdir(parents=True, exist_ok=True)
    own = folder.with_name(f"{folder.name}-{scratch}")

    def arm() -> None:
        os.chdir(folder)
        without_report()

    return trial.run(own, [argument.format(folder=folder) for argument in arguments], arm, while_it_runs)


def without_report() -> None:
    """Leave out the report and its charts, which take more time than all the rest."""
    import titer.cli.run

    def nowhere(conclusion: Conclusion) -> tuple[Path, ...]:
        return (conclusion.folder,)

    titer.cli.run.report = nowhere  # type: ignore[attr-defined, assignment]


def expect_done(folder: Path, arguments: Arguments) -> None:
    """Run a command that nothing disturbs."""
    ended = call(folder, arguments)
    assert ended.code == 0, ended.said


def _complaint(ended: Ended) -> str | None:
    """What is wrong with the end of one of the two commands."""
    allowed = ended.code == 0 or (ended.code == 1 and any(sign in ended.said for sign in (BUSY, *UNFINISHED)))
    return None if allowed and "Traceback" not in ended.said else f"it ended with {ended.code}:\n{ended.said}"


def contents(folder: Path) -> dict[str, bytes]:
    """Every byte that a folder must have in common with the undisturbed one, by path."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file() and path.name not in UNLIKE)
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def _row(home: Path, kind: Kind, numbers: Sequence[int], seed: int) -> Iterator[str]:
    """Let commands of a kind meet, and print what became of them in a line; the problems."""
    laboratory = Laboratory(home, kind)
    meetings = {number: laboratory.meet(number, seed) for number in numbers}
    together, busy = (sum(one.together for one in meetings.values()), sum(one.busy for one in meetings.values()))
    equal = sum(one.problem is None for one in meetings.values())
    print(f"{kind.name:<26}{len(meetings):>13}  {together:>8}  {busy:>4}  {equal:>5}", flush=True)
    for number, meeting in meetings.items():
        if meeting.problem is not None:
            yield f"{kind.name}, number {number}: {meeting.problem}"


def main(arguments: Sequence[str]) -> int:
    """Print the table; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.interleavings", description=__doc__.partition("\n")[0])
    parser.add_argument("--seed", type=int, default=1, help="what delays and orders are drawn from")
    parser.add_argument("--each", type=int, default=50, help="interleavings of each kind")
    given = parser.parse_args(arguments)
    trial.load()
    problems: list[str] = []
    print(f"{'kind':<26}interleavings  together  busy  equal")
    with tempfile.TemporaryDirectory(prefix="meet-") as home:
        for place, kind in enumerate(kinds(Path(home) / "inputs")):
            problems += _row(Path(home) / str(place), kind, range(given.each), given.seed)
    print("\n" + ("\n".join(problems) or "Nothing was lost: every study ended equal to the undisturbed one."))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
