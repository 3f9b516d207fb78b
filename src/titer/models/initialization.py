"""Weights as they are before a model has learned anything."""

from __future__ import annotations

import copy

import torch

from titer.models.randomness import scoped
from titer.models.subject import Subject


def initialize(subject: Subject, seed: int) -> None:
    """Exchange every weight for one that the model's own initializer draws; what follows from none stays.

    Buffers, such as the angles of rotary embeddings, are functions of the configuration and are left.

    Args:
        subject: without an adapter; a head that shares its matrix with the embeddings goes on sharing it.
        seed: what the weights are drawn from.
    """
    assert not subject.adapted, "an adapter has no initialization but its own"
    with scoped(seed):
        fresh = type(subject.model)(copy.deepcopy(subject.model.config))
    drawn = dict(fresh.named_parameters())
    with torch.no_grad():
        for name, weight in subject.model.named_parameters():
            weight.copy_(drawn[name])
