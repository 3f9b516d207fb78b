"""What a piece of work allocates on the CPU: all of it, and what of it is as large as one of the weights."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import NamedTuple

os.environ.setdefault("KINETO_LOG_LEVEL", "5")  # read when torch is loaded; else the profiler says that it begins

import torch
from torch.profiler import ProfilerActivity, profile

from titer.models.subject import Subject


class Peaks(NamedTuple):
    """The most that was held at once beside the subject: copies of its weights, and bytes of whatever kind."""

    copies: float
    nbytes: int


def peaks(subject: Subject, work: Callable[[], object]) -> Peaks:
    """What a piece of work on a subject holds at most, from what torch's allocator writes down; the same each time.

    Allocations that have the size of one of the weights are taken for a copy of it, its gradient or a moment; the sizes
    of a model to be measured must not be those of activations as well.

    Args:
        subject: on the CPU.
        work: is done once, on one thread.
    """
    sizes = [weight.numel() * weight.element_size() for weight in subject.model.parameters()]
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiled:
        work()
    assert profiled.profiler is not None
    found = profiled.profiler.kineto_results.events()
    changes = [event.nbytes() for event in found if event.name() == "[memory]"]
    of_weights = [change for change in changes if abs(change) in set(sizes)]
    return Peaks(_highest(of_weights) / sum(sizes), _highest(changes))


def _highest(changes: list[int]) -> int:
    return int(torch.tensor([0, *changes]).cumsum(0).max())
