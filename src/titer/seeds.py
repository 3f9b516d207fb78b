"""Randomness by derivation: whatever is random at step t is drawn from `derive(seed, label, t)`."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager


def derive(root: int, *labels: str | int) -> int:
    """A 63-bit seed that depends on `root` and every label, and on nothing else.

    >>> derive(0, "batch", 3) == derive(0, "batch", 3) != derive(0, "batch", 4)
    True
    """
    text = "\x1f".join([str(root), *(f"{type(label).__name__}:{label}" for label in labels)])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


@contextmanager
def scoped(seed: int) -> Iterator[None]:
    """Run the block with torch's global generators seeded, and give them back as they were.

    Dropout and the initialization of adapters draw from the global generators and cannot be handed one.
    """
    import torch

    gpus = list(range(torch.cuda.device_count())) if torch.cuda.is_initialized() else []
    with torch.random.fork_rng(devices=gpus):
        torch.default_generator.manual_seed(seed)
        if gpus:
            torch.cuda.manual_seed_all(seed)
        yield
