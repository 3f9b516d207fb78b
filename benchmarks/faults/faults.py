"""The kinds of faults, where each strikes, and what becomes of a study that met one."""

from __future__ import annotations

import os
import random
import resource
import shutil
import signal
import time
from collections.abc import Callable, Set
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks.faults import trial, triggers
from benchmarks.faults.study import copy_unjudged, first_difference, prepare
from benchmarks.faults.triggers import Counts, Stream, Trigger
from titer.study.atomic_files import TEMPORARY

MOST_RUNS = 4
"""After so many more runs a study that is not finished is given up."""
STOPPED_SECONDS = 0.3
"""How long a run stays stopped that is then let go on."""
SLACK_BYTES = 8 * 2**20
"""Less than this a worker may still take once its memory is limited."""

Act = Callable[[random.Random], None]


def kill_run(chance: random.Random) -> None:
    """End all processes of the run at once."""
    os.killpg(0, signal.SIGKILL)


def kill_worker(chance: random.Random) -> None:
    """End the process that came to this event."""
    os.kill(os.getpid(), signal.SIGKILL)


def stop(chance: random.Random) -> None:
    """Ask the run, or all its processes, to end; or stop them all for a while."""
    number = chance.choice((signal.SIGINT, signal.SIGTERM, signal.SIGSTOP))
    if number == signal.SIGSTOP or chance.random() < 0.5:
        os.killpg(0, number)
    else:
        os.kill(os.getsid(0), number)


def fill_disk(chance: random.Random) -> None:
    """There is no space, from now on."""
    triggers.full_disk()


def fail_allocation(chance: random.Random) -> None:
    """The memory of a worker is at its end at this call."""
    raise MemoryError


def limit_memory(chance: random.Random) -> None:
    """A worker may hardly take more address space than it has."""
    pages = int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[0])
    most = pages * resource.getpagesize() + chance.randrange(SLACK_BYTES)
    resource.setrlimit(resource.RLIMIT_AS, (most, most))


@dataclass(frozen=True)
class Kind:
    """A kind of fault: where it strikes (one of the streams is drawn), what it does, and how many of it there are."""

    name: str
    streams: tuple[Stream, ...]
    act: Act
    faults: int


WORK: tuple[Stream, ...] = ("make", "expose", "judge")
KINDS = (
    Kind("killed in make", ("make",), kill_run, 12),
    Kind("killed in expose", ("expose",), kill_run, 12),
    Kind("killed in judge", ("judge",), kill_run, 12),
    Kind("killed before a renaming", ("rename",), kill_run, 10),
    Kind("killed elsewhere", ("run",), kill_run, 4),
    Kind("worker killed", WORK, kill_worker, 20),
    Kind("stopped", WORK, stop, 5),
    Kind("disk full", ("write",), fill_disk, 20),
    Kind("allocation fails", WORK, fail_allocation, 5),
    Kind("memory limited", WORK, limit_memory, 5),
)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of a study that met a fault.

    Attributes:
        struck: where the fault struck.
        first: how the run that met it ended.
        more_runs: how often it was then run, until it was finished.
        last: how the last run ended.
        difference: the first file that is not that of the undisturbed study; None where all are.
    """

    struck: str
    first: trial.Ended
    more_runs: int
    last: trial.Ended
    difference: str | None

    @property
    def problem(self) -> str | None:
        """What should not be; None where all is well."""
        if self.first.code is None or self.last.code is None:
            return "it hung"
        if "Traceback" in self.first.said or "Traceback" in self.last.said:
            return "it crashed"
        if self.last.code != 0:
            return "it was never finished"
        return None if self.difference is None else f"{self.difference} differs"


class Laboratory:
    """A place where a study meets faults, and the undisturbed study to compare with.

    Args:
        home: an empty folder with a short path.
        protocol: the protocol file of the study.
        streams: what the faults strike at, the events of which are counted.
    """

    def __init__(self, home: Path, protocol: Path, streams: Set[Stream]) -> None:
        self.home, self.protocol = home, protocol
        self.whole = home / "whole" / "study"
        prepare(self.whole)
        begun: tuple[Stream, ...] = ("make", "expose", "rename", "write", "run")
        self.events = self._count(self.whole, tuple(stream for stream in begun if stream in streams))
        if "judge" in streams:
            unjudged = home / "unjudged" / "study"
            copy_unjudged(self.whole, unjudged)
            self.events |= self._count(unjudged, ("judge",))

    def meet(self, kind: Kind, number: int, seed: int) -> Outcome:
        """Let a study meet a fault of a kind, drawn from the seed and the number, and run it again until it is done."""
        chance = random.Random(f"{seed}/{kind.name}/{number}")
        stream, jobs = chance.choice(kind.streams), chance.choice((1, 2))
        at = chance.randint(1, self.events[stream])
        folder = self.home / "trial"
        while True:
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            if stream == "judge":
                copy_unjudged(self.whole, folder / "study")
            else:
                prepare(folder / "study")
            counts = Counts()
            trigger = Trigger(counts, stream, at, partial(kind.act, chance))
            first = self._run(folder, jobs, trigger, (stream,))
            if counts.struck or at == 1:
                break
            at = at // 2 + 1 if at > 2 else 1  # two workers share the events: neither came to this one
        last, runs = first, 0
        while last.code != 0 and last.code is not None and runs < MOST_RUNS:
            _let_an_hour_pass(folder / "study")
            last, runs = self._run(folder, jobs, None, ()), runs + 1
        difference = first_difference(folder / "study", self.whole)
        return Outcome(struck=counts.struck, first=first, more_runs=runs, last=last, difference=difference)

    def _count(self, study: Path, streams: tuple[Stream, ...]) -> dict[Stream, int]:
        """Run a study undisturbed, and count its events."""
        counts = Counts()
        ended = self._run(study.parent, 1, Trigger(counts, "write", 0, lambda: None), streams)
        assert ended.code == 0, ended.said
        return {stream: counts[stream] for stream in streams}

    def _run(self, folder: Path, jobs: int, trigger: Trigger | None, streams: tuple[Stream, ...]) -> trial.Ended:
        """Run the study in a folder, undisturbed or with a trigger; the events of these streams are counted for it."""

        def arm() -> None:
            write_every_state()
            if trigger is not None:
                watch(trigger, streams)

        waker = _Waker(trigger.counts if trigger else None)
        arguments = ["run", str(self.protocol), "--out", "study", "--jobs", str(jobs)]
        return trial.run(folder, arguments, arm, waker)


def _let_an_hour_pass(study: Path) -> None:
    """Make what was left half-written beside the store an hour old: younger, it might still be being written."""
    before = time.time() - 3600
    for path in study.glob(f"{TEMPORARY}*"):
        os.utime(path, (before, before))


def write_every_state() -> None:
    """Let a make keep its state at each step, where one of a second would keep none."""
    from titer.execution import checkpoints

    checkpoints.FIRST_SECONDS = 0.0
    checkpoints.SHARE = 0


def watch(trigger: Trigger, streams: tuple[Stream, ...]) -> None:
    """Count the events of some streams, and no others: to count calls takes as long as to make them."""
    if {"rename", "write"} & set(streams):
        triggers.watch_disk(trigger)
    if set(WORK) & set(streams):
        triggers.watch_work(trigger)
    if "run" in streams:
        triggers.watch_run(trigger)


class _Waker:
    """Lets the processes of a run go on that were stopped by its fault."""

    def __init__(self, counts: Counts | None) -> None:
        self.counts, self.due = counts, 0.0

    def __call__(self, group: int) -> None:
        if self.counts is None or not self.counts.struck:
            return
        now = time.monotonic()
        self.due = self.due or now + STOPPED_SECONDS
        if now >= self.due:
            self.counts = None
            try:
                os.killpg(group, signal.SIGCONT)
            except ProcessLookupError:
                return
