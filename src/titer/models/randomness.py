"""The global generators of torch, seeded for a block and given back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def scoped(seed: int) -> Iterator[None]:
    """Run the block with torch's global generators seeded, and give them back as they were.

    Dropout and the initialization of adapters draw from the global generators and cannot be handed one.
    """
    gpus = list(range(torch.cuda.device_count())) if torch.cuda.is_initialized() else []
    with torch.random.fork_rng(devices=gpus):
        torch.default_generator.manual_seed(seed)
        if gpus:
            torch.cuda.manual_seed_all(seed)
        yield
