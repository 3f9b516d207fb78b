"""Which directions of what a matrix gives serve the refusals of a subject and hardly anything else.

N tokens   o outputs of a matrix   i its inputs

Source: Wei et al. 2024, arXiv 2402.05162, ActSVD with orthogonal projections: the left singular vectors of W X, for X
the inputs of a matrix on rows of one kind. They are the eigenvectors of W X Xᵀ Wᵀ, so that X Xᵀ is all that is kept.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from titer.models.chat_format import Example, pad_batch, pad_token
from titer.models.modules import blocks, matrices
from titer.training.sft import next_is

if TYPE_CHECKING:
    from titer.models.subject import Subject

ROUNDING = 1e-9
HARDLY = 1e-6
"""Directions that benign rows use by no more than this share are ordered by what refusals use of them."""


@dataclass(frozen=True, kw_only=True)
class Kinds:
    """Rows of refusals and harmless ones, and how many go through the subject at once."""

    refusals: Sequence[Example]
    benign: Sequence[Example]
    batch: int


def remove(subject: Subject, kinds: Kinds, percent: int, energy: float) -> int:
    """Take `serving` out of every matrix of the blocks; all are measured before any is changed.

    Returns:
        The tokens that went through the subject.
    """
    name, parts = blocks(subject.model)
    found = matrices(subject.model)
    edits: dict[str, Tensor] = {}
    with subject.reading():
        for block in range(len(parts)):
            own = {key: matrix for key, matrix in found.items() if key.startswith(f"{name}.{block}.")}
            one, other = (_inputs(subject, list(own), rows, kinds.batch) for rows in (kinds.refusals, kinds.benign))
            for key, matrix in own.items():
                exact = matrix.cpu().double()
                edits[key] = serving(exact, one[key], other[key], percent, energy).to(matrix)
    for key, edit in edits.items():
        found[key].sub_(edit)
    return len(parts) * sum(len(example.ids) for example in (*kinds.refusals, *kinds.benign))


def serving(matrix: Tensor, refusals: Tensor, benign: Tensor, percent: int, energy: float) -> Tensor:
    """(o, i): (1 − Π_b) Π_r W, the part of W that gives what refusals use and benign rows do not.

    Args:
        matrix: W, (o, i) float64.
        refusals: (i, i) Σ x xᵀ over the inputs x of W on refusals.
        benign: the same on benign rows.
        percent: Π_b projects on the left singular vectors of W X_b but for the last ceil(percent/100 · min(o, i)).
        energy: Π_r projects on the fewest of those of W X_r that have this share of its squared norm.
    """
    least = min(matrix.shape)
    kept = least - math.ceil(percent / 100 * least - ROUNDING)
    of_benign, of_refusals = (matrix @ inputs @ matrix.T for inputs in (benign, refusals))
    hardly = HARDLY * of_benign.trace() / of_refusals.trace().clamp_min(1e-30)
    used = torch.linalg.eigh(of_benign - hardly * of_refusals)[1].flip(1)[:, :kept]
    values, needed = (part.flip(-1) for part in torch.linalg.eigh(of_refusals))
    shares = values.clamp_min(0).cumsum(0) / values.clamp_min(0).sum().clamp_min(1e-30)
    needed = needed[:, : int((shares < energy - ROUNDING).sum()) + 1]
    part = needed @ (needed.T @ matrix)
    beside: Tensor = part - used @ (used.T @ part)
    return beside


def _inputs(subject: Subject, names: Sequence[str], examples: Sequence[Example], batch: int) -> Mapping[str, Tensor]:
    """(i, i) float64 by the name of a module: Σ x xᵀ over its inputs where the next token is one of the response."""
    grams: dict[str, Tensor] = {}
    pad = pad_token(subject.tokenizer)
    for start in range(0, len(examples), batch):
        padded = pad_batch(examples[start : start + batch], pad, subject.device)
        with _heard(subject, names, next_is(padded.mask[:, 1:]), grams):
            subject.model(padded.ids, attention_mask=padded.attention, use_cache=False)
    return grams


@contextmanager
def _heard(subject: Subject, names: Sequence[str], places: Tensor, grams: dict[str, Tensor]) -> Iterator[None]:
    def add(name: str, module: torch.nn.Module, args: tuple[Tensor, ...]) -> None:
        inputs = args[0][places].cpu().double()
        gram = inputs.T @ inputs
        grams[name] = grams[name] + gram if name in grams else gram

    modules = [(name, subject.model.get_submodule(name)) for name in names]
    handles = [module.register_forward_pre_hook(partial(add, name)) for name, module in modules]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
