"""A soft prompt: vectors in the place of tokens behind every prompt, trained while the weights rest.

`chat` writes the place of vector k as the number -1 - k. n vectors   d width of the embeddings
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from titer.errors import InputError, MethodFailure
from titer.models.randomness import scoped
from titer.models.subject import Subject
from titer.seeds import derive
from titer.training.loop import Ledger
from titer.training.sft import SFT
from titer.training.types import Material, Step


def train_vectors(
    subject: Subject, material: Material, vectors: Tensor, *, lr: float, batch: int, steps: int, seed: int
) -> Iterator[Step]:
    """Move the vectors (n, d), in place, by `lr` against the sign of the gradient of the loss on `batch` rows.

    Between the yields the subject reads places below 0 as these vectors. Run out or closed, it is bit for bit as it
    was, and reads none.

    Raises:
        MethodFailure: if the loss is not finite.
    """
    vectors.requires_grad_(True)
    objective = SFT(rows={"train": batch}, batch=batch)
    ledger = Ledger()
    with resting(subject), inserted(subject, vectors):
        for t in range(steps):
            vectors.grad = None
            with scoped(derive(seed, "step", t)):
                update = objective.backward(subject, material, t, seed)
            assert vectors.grad is not None, "the material is framed with a place for the vectors"
            norm = float(vectors.grad.norm())
            if not all(math.isfinite(value) for value in (*update.terms.values(), norm)):
                raise MethodFailure("diverged", t + 1)
            with torch.no_grad():
                vectors.sub_(vectors.grad.sign(), alpha=lr)
            ledger.add(update)
            yield Step(
                dose=t + 1,
                spent=ledger.spent(subject.parameters_total),
                terms={**update.terms, "gradient_norm": norm},
                loss_tokens=dict(ledger.parts),
                rows_used=len(ledger.rows),
                rows=update.rows,
            )


def first_vectors(subject: Subject, tokens: int, sentence: str | None, seed: int) -> Tensor:
    """(n, d): the embeddings of the sentence, over and over; where there is none, of tokens drawn from the seed."""
    embeddings = subject.model.get_input_embeddings()
    if sentence is None:
        generator = torch.Generator().manual_seed(derive(seed, "soft prompt"))
        ids = torch.randint(len(embeddings.get_parameter("weight")), (tokens,), generator=generator)
    else:
        spelled = _spelled(subject, sentence)
        ids = torch.tensor(spelled).repeat(-(-tokens // len(spelled)))[:tokens]
    with torch.no_grad():
        found: Tensor = embeddings(ids[None].to(subject.device))[0]
    return found.detach().clone()


def check_vectors(subject: Subject, sentence: str | None) -> None:
    """Look whether vectors can stand in the place of tokens, and where they begin.

    Raises:
        InputError: if the blocks read the tokens beside what the embedding made of them, or the sentence has none.
    """
    if getattr(subject.model.config.get_text_config(), "hidden_size_per_layer_input", 0):
        problem = "each of its blocks embeds the tokens anew, and a vector is no token"
        raise InputError("subject.model", problem, "Leave this attack out.")
    if sentence is not None and not _spelled(subject, sentence):
        raise InputError("sentence", "the tokenizer makes no token of it", "Take another one.")


def _spelled(subject: Subject, sentence: str) -> list[int]:
    return list(subject.tokenizer(sentence, add_special_tokens=False).input_ids)


@contextmanager
def inserted(subject: Subject, vectors: Tensor) -> Iterator[None]:
    """The embedding gives `vectors` (n, d) at places below 0, for the block."""
    asked: list[Tensor] = []

    def before(module: nn.Module, args: tuple[Any, ...]) -> tuple[Any, ...]:
        asked[:] = args[:1]
        return (args[0].clamp_min(0), *args[1:])

    def after(module: nn.Module, args: tuple[Any, ...], output: Tensor) -> Tensor:
        (ids,) = asked
        chosen = vectors.to(output.dtype)[(-1 - ids).clamp_min(0)]
        return torch.where((ids < 0)[..., None], chosen, output)

    embeddings = subject.model.get_input_embeddings()
    handles = [embeddings.register_forward_pre_hook(before), embeddings.register_forward_hook(after)]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


@contextmanager
def resting(subject: Subject) -> Iterator[None]:
    """No weight takes a gradient, for the block."""
    trained = [parameter for parameter in subject.model.parameters() if parameter.requires_grad]
    try:
        for parameter in trained:
            parameter.requires_grad_(False)
        yield
    finally:
        for parameter in trained:
            parameter.requires_grad_(True)
