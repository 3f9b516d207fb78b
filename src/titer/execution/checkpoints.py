"""The partial state of a make: weights, optimizer, objective and step, from which it resumes exactly."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from safetensors import SafetensorError, safe_open

from titer.boundary import check_regular
from titer.errors import DamagedError
from titer.study.atomic_files import TEMPORARY, writing
from titer.training.types import State, Step

if TYPE_CHECKING:
    from torch import Tensor

SHARE = 20
"""A state is written when this many times the seconds of the last writing have passed: at most 5 % of the time."""
FIRST_SECONDS = 5.0
"""No state is written before this many seconds of work."""


class PartialState:
    """Reads what an interrupted make left, and writes the state of the running one from time to time.

    When it is written changes nothing of the result, for a resumed make passes through the same states. Its digest is
    in its own metadata, and covers the name of the file: the state of another make is none of this one.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.written = time.monotonic()
        self.pause = FIRST_SECONDS

    def read(self) -> State | None:
        """The state that was left, or None.

        Raises:
            DamagedError: if it is not what was written.
        """
        if not self.path.exists():
            return None
        check_regular(self.path)
        damaged = DamagedError(f"{self.path} is truncated or was changed. Delete it and run again")
        try:
            with safe_open(self.path, framework="pt") as stored:
                metadata = dict(stored.metadata() or {})
                tensors = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118
        except SafetensorError as error:
            raise damaged from error
        step = metadata.get("step", "")
        if metadata != _metadata(self.path.stem, step, tensors):
            raise damaged
        return State(step=json.loads(step), tensors=tensors)

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
                metadata = _metadata(self.path.stem, json.dumps(state.step), state.tensors)
                save_file(dict(state.tensors), temporary, metadata=metadata)
                os.replace(temporary, self.path)
            finally:
                temporary.unlink(missing_ok=True)
        self.written = time.monotonic()
        self.pause = max(FIRST_SECONDS, SHARE * (self.written - begin))

    def drop(self) -> None:
        """Forget the state: the subject is made."""
        self.path.unlink(missing_ok=True)


def _metadata(key: str, step: str, tensors: Mapping[str, Tensor]) -> dict[str, str]:
    """What the file says beside its tensors: the step, and the SHA-256 of the key, the step and every tensor."""
    import torch

    whole = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name]
        whole.update(json.dumps([name, str(tensor.dtype), list(tensor.shape)]).encode())
        whole.update(tensor.detach().cpu().reshape(-1).view(torch.uint8).numpy().data)
    whole.update(json.dumps([key, step]).encode())
    return {"step": step, "sha256": whole.hexdigest()}
