"""The triplet loss on hidden states against a transcription of the published code, and its known values."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from support.float64 import flat_gradient, float64_subject, relative
from support.sorted_rows import MATERIAL, B, displaced, drawn, hidden, run, transcribed_kl
from torch import Tensor
from torch.nn.functional import normalize, relu

from titer.errors import InputError
from titer.methods.defenses.loss_based.crl import CRL
from titer.models.subject import Subject
from titer.records import Row
from titer.testing import check_defense, tiny_subject
from titer.training.objectives.loss_based.crl import Distance, Triplet, Triplets
from titer.training.recipe import LoRA
from titer.training.representations import depths
from titer.training.representations.divergence import divergence
from titer.training.representations.reference import Reference
from titer.training.representations.safe_unsafe import Sorted
from titer.training.types import Material

Kinds = tuple[Distance, Distance, Distance, Distance]
SCRIPT: Kinds = ("norm", "cosine", "cosine", "cosine")
NORMS: Kinds = ("norm", "norm", "norm", "norm")
ALL = (0, 1, 2)


def triplet(
    weights: tuple[float, float, float] = (0.5, 0.6, 0.7),
    margins: tuple[float, float] = (2.0, 3.0),
    kinds: Kinds = SCRIPT,
    targets: tuple[int, ...] = (1, 2),
    sums_tokens: bool = True,
) -> Triplet:
    safe = Triplets(margin=margins[0], positive=kinds[0], negative=kinds[1])
    unsafe = Triplets(margin=margins[1], positive=kinds[2], negative=kinds[3])
    return Triplet(
        batch=B, batches=1, weights=weights, safe=safe, unsafe=unsafe, targets=targets, sums_tokens=sums_tokens
    )


def dist(one: Tensor, other: Tensor, kind: Distance) -> Tensor:
    if kind == "norm":
        length: Tensor = torch.linalg.vector_norm(one - other, dim=-1)
        return length
    return 1 - (normalize(one, dim=-1) * normalize(other, dim=-1)).sum(-1)


def transcribed(
    subject: Subject, part: Sorted, margins: tuple[float, float], kinds: Kinds, targets: tuple[int, ...]
) -> tuple[Tensor, Tensor, Tensor]:
    """_calc_loss of samuelsimko/crl-llm-defense, methods/triplet/trainer.py at 3e177d2: safe, unsafe, KL."""
    frozen = float64_subject()
    with torch.no_grad():
        safe_before, unsafe_before = hidden(frozen, part.safe, ALL), hidden(frozen, part.unsafe, targets)
    safe, unsafe = hidden(subject, part.safe, ALL), hidden(subject, part.unsafe, ALL)
    mask = part.unsafe.mask[None, ..., None].double()
    mean = unsafe.sum((1, 2), keepdim=True) / mask.sum((1, 2), keepdim=True)
    counts = part.safe.mask.expand(len(ALL), -1, -1)
    hinge = relu(dist(safe, safe_before, kinds[0]) - dist(safe, mean, kinds[1]) + margins[0])
    safe_loss = (hinge * counts).sum() / counts.sum()
    chosen = unsafe[list(targets)]
    own = mean[list(targets)] * mask
    counts = part.unsafe.mask.expand(len(targets), -1, -1)
    hinge = relu(dist(chosen, own, kinds[2]) - dist(chosen, unsafe_before, kinds[3]) + margins[1])
    return safe_loss, (hinge * counts).sum() / counts.sum(), transcribed_kl(subject, frozen, part.retained)


@pytest.mark.parametrize(
    "settings",
    [
        {"train_steps": 3, "lr": 1e-2, "batch": 3},
        {"train_steps": 2, "lr": 1e-2, "batch": 2, "accumulation": 2, "layers": (0, 2), "kl_sums_tokens": False},
        {"train_steps": 2, "lr": 1e-2, "batch": 2, "trainable": LoRA(rank=2, dropout=0.1)},
    ],
)
def test_conformance(settings: dict[str, Any]) -> None:
    check_defense(CRL(**settings))


@pytest.mark.parametrize("targets", [(1, 2), (0, 1, 2), (2,)])
@pytest.mark.parametrize(("kinds", "margins"), [(SCRIPT, (2.0, 3.0)), (NORMS, (1.0, 0.5))])
def test_a_step_is_that_of_the_published_code(
    kinds: Kinds, margins: tuple[float, float], targets: tuple[int, ...]
) -> None:
    update, gradient = run(triplet(margins=margins, kinds=kinds, targets=targets))
    subject = displaced(0.05)
    safe, unsafe, kl = transcribed(subject, drawn(), margins, kinds, targets)
    loss = 0.5 * safe + 0.6 * unsafe + 0.7 * kl
    torch.autograd.backward(loss)
    assert relative(gradient, flat_gradient(subject)) < 1e-9
    found = [update.terms[name] for name in ("loss", "safe_loss", "unsafe_loss", "kl")]
    assert found == pytest.approx([float(own.detach()) for own in (loss, safe, unsafe, kl)], rel=1e-9)


def test_at_the_reference_it_is_the_margins_and_the_distances_from_the_mean_and_moves() -> None:
    update, gradient = run(triplet(), by=0.0)
    part, subject = drawn(), float64_subject()
    with torch.no_grad():
        safe, unsafe = hidden(subject, part.safe, ALL), hidden(subject, part.unsafe, ALL)
    mean = [own[part.unsafe.mask].mean(0) for own in unsafe]
    far = [dist(safe[i][part.safe.mask], mean[i], "cosine").mean() for i in ALL]
    near = [dist(unsafe[i][part.unsafe.mask], mean[i], "cosine").mean() for i in (1, 2)]
    assert update.terms["safe_loss"] == pytest.approx(2 - float(torch.stack(far).mean()), rel=1e-9)
    assert update.terms["unsafe_loss"] == pytest.approx(3 + float(torch.stack(near).mean()), rel=1e-9)
    assert update.terms["kl"] == pytest.approx(0, abs=1e-12)
    assert float(gradient.norm()) > 1e-3


def test_each_term_has_a_gradient_and_they_add() -> None:
    weights = (0.5, 0.6, 0.7)
    whole = run(triplet(weights))[1]
    parts = [run(triplet((w * (i == 0), w * (i == 1), w * (i == 2))))[1] for i, w in enumerate(weights)]
    assert min(float(own.norm()) for own in parts) > 1e-4
    assert relative(sum(parts, torch.zeros_like(whole)), whole) < 1e-9
    assert float(run(triplet((0.0, 0.0, 0.0)))[1].norm()) == 0


def test_margins_far_below_switch_the_hinges_off() -> None:
    terms = run(triplet(margins=(-1000.0, -1000.0)))[0].terms
    assert (terms["safe_loss"], terms["unsafe_loss"]) == (0, 0)


def test_with_the_distances_of_the_script_margins_only_shift_the_loss() -> None:
    update, gradient = run(triplet())
    other, same = run(triplet(margins=(20.0, 30.0)))
    assert relative(same, gradient) < 1e-12
    assert other.terms["safe_loss"] == pytest.approx(update.terms["safe_loss"] + 18, rel=1e-12)
    assert update.terms["safe_loss"] >= 0
    assert 1 <= update.terms["unsafe_loss"] <= 5


def test_kl_is_of_a_row_or_of_a_token() -> None:
    summed, mean = run(triplet())[0].terms, run(triplet(sums_tokens=False))[0].terms
    tokens = int(drawn().retained.attention.sum())
    assert summed["kl"] * B == pytest.approx(mean["kl"] * tokens, rel=1e-12)
    retained, subject = drawn().retained, displaced(0.05)
    with torch.no_grad():
        kl = float(divergence(subject, Reference(float64_subject()), retained))
        assert float(divergence(subject, Reference(subject), retained)) == pytest.approx(0, abs=1e-12)
    assert kl > 0


def test_a_batch_is_of_harmful_responses_of_refusals_and_of_benign_answers() -> None:
    part = drawn()
    rows = [one.row for one in part.rows]
    assert [name[0] for name in rows] == ["b"] * B + ["h"] * B + ["h"] * 2 * B + ["b"] * B
    assert rows[B : 2 * B] == rows[3 * B : 4 * B], "the refusals of the second half"
    assert set(rows[:B]).isdisjoint(rows[-B:])
    assert (len(part.safe.ids), len(part.unsafe.ids), len(part.retained.ids)) == (2 * B, 2 * B, B)
    assert len(run(triplet())[0].rows) == 5 * B


@pytest.mark.parametrize(("blocks", "first", "last"), [(32, 20, 30), (30, 19, 28), (4, 2, 4), (2, 1, 2)])
def test_targets_follow_the_depth(monkeypatch: pytest.MonkeyPatch, blocks: int, first: int, last: int) -> None:
    monkeypatch.setattr(depths, "depth", lambda subject: blocks)
    assert depths.between(tiny_subject(), CRL(train_steps=1).depths) == tuple(range(first, last + 1))


def test_a_layer_that_there_is_not_is_told_before_training() -> None:
    wrong = CRL(train_steps=1, layers=(1, 3))
    with pytest.raises(InputError, match="no hidden state 3 in a subject of 2 blocks"):
        wrong.check(tiny_subject())
    with pytest.raises(InputError, match="no hidden state 3"):
        next(iter(wrong.steps(tiny_subject(), MATERIAL, 0, None)))


def test_rows_without_refusals_are_told() -> None:
    alone = tuple(Row(id=r.id, group=r.group, prompt=r.prompt, response=r.response) for r in MATERIAL.harmful)
    with pytest.raises(InputError, match="it has no refusal"):
        triplet().prepare(tiny_subject(), Material(harmful=alone, benign=MATERIAL.benign))
