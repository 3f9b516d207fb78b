"""How long work takes on this machine, from what the store's runs.jsonl says of work that was done on it."""

from __future__ import annotations

import socket
from collections import deque
from pathlib import Path

import numpy as np
from pydantic import ConfigDict
from scipy.optimize import nnls

from titer.boundary import open_file
from titer.errors import DamagedError
from titer.planning.cost.model import Work
from titer.records import Record

REMEMBERED = 300
"""Tasks that the fit looks at, the last ones."""
PULL = 0.3
"""What pulls the fit to one rate for all operations has the weight of 0.3² tasks."""


class Finished(Record):
    """A line of runs.jsonl: a task that was done, or what `titer plan --measure` timed, with its work."""

    model_config = ConfigDict(extra="ignore")

    key: str
    host: str
    wall_seconds: float
    peak_bytes: int = 0
    resumed_at: int = 0
    work: Work | None = None


class RunLog:
    """The lines of runs.jsonl that were written on this machine, each read once."""

    def __init__(self, path: Path) -> None:
        self.path, self.read_bytes = path, 0

    def new(self) -> list[Finished]:
        """Those written since the last call; a line that is damaged tells nothing."""
        if not self.path.exists():
            return []
        with open_file(self.path) as stream:
            stream.seek(self.read_bytes)
            text = stream.read()
        text = text[: text.rfind(b"\n") + 1]
        self.read_bytes += len(text)
        found = []
        for line in text.splitlines():
            try:
                found.append(Finished.from_json(line.decode(errors="replace")))
            except DamagedError:
                continue
        return [one for one in found if one.host == socket.gethostname()]


class Speed:
    """Seconds of one worker: so many a task, an operation in batches and an operation in decoding, none below 0.

    They minimize Σ (predicted - measured)²/measured over the last tasks. What these cannot tell apart, such as the
    two kinds of operations before both were seen, takes the seconds per operation of all work together.
    """

    def __init__(self) -> None:
        self.seen: deque[tuple[float, ...]] = deque(maxlen=REMEMBERED)

    def add(self, work: Work, seconds: float) -> None:
        """Work was done in so many seconds."""
        self.seen.append((work.tasks, work.in_batches, work.in_decoding, max(seconds, 1e-3)))

    def seconds(self, work: Work) -> float | None:
        """How long other work will take; None before anything was measured."""
        seen = np.array(self.seen).reshape(-1, 4)
        amounts, seconds = seen[:, :3], seen[:, 3]
        if not amounts[:, 1:].any():
            return None
        together = seconds.sum() / amounts[:, 1:].sum()
        scaled = amounts / np.sqrt(seconds)[:, None]
        size = np.sqrt((scaled**2).mean(axis=0))
        size[size == 0] = 1 / together
        aims = np.concatenate([np.sqrt(seconds), PULL * size * (0.0, together, together)])
        fitted, _ = nnls(np.vstack([scaled / size, PULL * np.eye(3)]), aims)
        return float(fitted / size @ (work.tasks, work.in_batches, work.in_decoding))
