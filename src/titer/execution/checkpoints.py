"""The partial state of a make: weights, optimizer, objective and step, from which it resumes exactly."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

from safetensors import SafetensorError, safe_open

from titer.errors import DamagedError
from titer.study.atomic_files import TEMPORARY, writing
from titer.training.types import State, Step

SHARE = 20
"""A state is written when this many times the seconds of the last writing have passed: at most 5 % of the time."""
FIRST_SECONDS = 5.0
"""No state is written before this many seconds of work."""


class PartialState:
    """Reads what an interrupted make left, and writes the state of the running one from time to time.

    When it is written changes nothing of the result, for a resumed make passes through the same states.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.written = time.monotonic()
        self.pause = FIRST_SECONDS

    def read(self) -> State | None:
        """The state that was left, or None.

        Raises:
            DamagedError: if it cannot be read.
        """
        if not self.path.exists():
            return None
        try:
            with safe_open(self.path, framework="pt") as stored:
                step = json.loads(stored.metadata()["step"])
                return State(step=step, tensors={name: stored.get_tensor(name) for name in stored.keys()})  # noqa: SIM118
        except SafetensorError as error:
            raise DamagedError(f"{self.path} is truncated or was changed. Delete it and run again") from error

    def write_if_due(self, step: Step) -> None:
        """Keep the state of this step, if the method can resume and the last writing is long enough ago.

        Raises:
            RunError: when the disk is full; the state before is still there.
        """
        if step.state is None or time.monotonic() - self.written < self.pause:
            return
        from safetensors.torch import save_file

        begin = time.monotonic()
        state = step.state()
        temporary = self.path.with_name(f"{TEMPORARY}{self.path.name}.{os.getpid()}")
        with writing(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            try:
                save_file(dict(state.tensors), temporary, metadata={"step": json.dumps(state.step)})
                os.replace(temporary, self.path)
            finally:
                temporary.unlink(missing_ok=True)
        self.written = time.monotonic()
        self.pause = max(FIRST_SECONDS, SHARE * (self.written - begin))

    def drop(self) -> None:
        """Forget the state: the subject is made."""
        self.path.unlink(missing_ok=True)
