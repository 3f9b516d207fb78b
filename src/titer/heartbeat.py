"""A worker's sign of life: what takes long beats at each step, batch or token, and whoever waits for it listens."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_listeners: list[Callable[[], None]] = []


def beat() -> None:
    """Give a sign of life; it costs nothing where nobody listens."""
    for listener in _listeners:
        listener()


@contextmanager
def listening(listener: Callable[[], None], every: float) -> Iterator[None]:
    """Call `listener` at the beats of the block, at most once in `every` seconds."""
    last = time.monotonic()

    def listen() -> None:
        nonlocal last
        if time.monotonic() - last >= every:
            last = time.monotonic()
            listener()

    _listeners.append(listen)
    try:
        yield
    finally:
        _listeners.remove(listen)
