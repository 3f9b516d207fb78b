"""What the tests of the unlearning family share: losses written out, their plain twin, and weights that have left."""

from __future__ import annotations

import torch
from torch import Tensor

from titer.methods.base import Defense
from titer.models.chat_format import encode_example
from titer.models.subject import Subject
from titer.records import Frame, Row
from titer.testing import WeightsByName, tiny_material, tiny_subject, weights
from titer.training.loop import Recipe, train
from titer.training.recipe import Training
from titer.training.sft import SFT


def written_out_nats(subject: Subject, prompt: str, response: str, whole: bool = False) -> Tensor:
    """The loss of each token of a response, or of all tokens but the first, in a pass of its own."""
    example = encode_example(subject.tokenizer, prompt, response, Frame())
    ids = torch.tensor([example.ids])
    first = 1 if whole else example.mask.index(True)
    logits: Tensor = subject.model(input_ids=ids, attention_mask=torch.ones_like(ids)).logits[0].log_softmax(-1)
    return -logits[first - 1 : -1].gather(1, ids[0, first:, None])[:, 0]


def mean_nats(subject: Subject, rows: tuple[Row, ...]) -> Tensor:
    """The mean loss of the tokens of all responses."""
    return torch.cat([written_out_nats(subject, row.prompt, row.response) for row in rows]).mean()


def moved_away(subject: Subject, by: float = 0.05) -> None:
    """Leave the weights that the reference was read from, to the same ones each time."""
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for own in subject.model.parameters():
            own.add_(torch.randn(own.shape, generator=generator, dtype=own.dtype), alpha=by)


def run(defense: Defense) -> WeightsByName:
    """The weights that a defense makes of the tiny subject."""
    subject = tiny_subject()
    for _ in defense.steps(subject, tiny_material(), 3, None):
        pass
    return weights(subject)


def plain_training(steps: int = 5) -> WeightsByName:
    """The weights after as many steps of plain training on benign rows, 8 a step."""
    subject, training = tiny_subject(), Training(lr=1e-2, batch=4, accumulation=2)
    recipe = Recipe(objective=SFT(rows={"benign": 8}, batch=4), training=training)
    for _ in train(subject, tiny_material(), recipe, steps=steps, seed=3):
        pass
    return weights(subject)
