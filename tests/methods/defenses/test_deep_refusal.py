"""Refusals under random ablation: the masks, the step written out with plain autograd, and the direction it ablates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
import torch
from pydantic import ValidationError
from support.float64 import flat_gradient, float64_subject, relative
from support.uneven_rows import uneven_material
from torch import Tensor, nn

from titer.errors import InputError, MethodFailure
from titer.methods.defenses.controls.refusal_sft import RefusalSFT
from titer.methods.defenses.data_and_weights.deep_refusal import DeepRefusal
from titer.models.chat_format import Example, encode_example, encode_rows, pad_batch
from titer.models.randomness import scoped
from titer.models.subject import Subject
from titer.seeds import derive
from titer.testing import check_defense, same, tiny_subject, weights
from titer.training import refusal_ablation
from titer.training.objectives.deep_refusal import AblatedRefusals, RefusalMixture
from titer.training.recipe import Full, LoRA
from titer.training.representations.hidden_states import read
from titer.training.types import Update

MATERIAL = uneven_material(6)
CE = partial(nn.functional.cross_entropy, reduction="sum")
FEW: dict[str, Any] = {"train_steps": 3, "lr": 1e-2, "prefix": (1, 3), "layer": 1, "ablation_prob": 0.6}


@pytest.mark.parametrize(
    "defense",
    [
        DeepRefusal(**FEW),
        DeepRefusal(**FEW, trainable=Full(), coins="position", batch=2, accumulation=2),
        DeepRefusal(**FEW, trainable=LoRA(rank=2), train_on_eos=False),
    ],
)
def test_conformance(defense: DeepRefusal) -> None:
    check_defense(defense)


def objective(**changes: Any) -> AblatedRefusals:
    mixture = {"refusals": 4, "benign": 3, "begun_share": 0.5, "prefix": (1, 3), "empty_share": 0.5}
    own = {name: changes.pop(name, value) for name, value in {**mixture, "train_on_eos": True}.items()}
    settings = {"batch": 8, "alpha": 0.2, "probability": 0.7, "coins": "site_and_position", "layer": 1, "prompts": 128}
    return AblatedRefusals(**{**settings, **changes, "mixture": RefusalMixture(**own)})


def step(subject: Subject, own: AblatedRefusals, t: int = 2) -> Update:
    with scoped(11):
        return own.backward(subject, MATERIAL, t, 5)


def prepared(subject: Subject, **changes: Any) -> AblatedRefusals:
    own = objective(**changes)
    own.prepare(subject, MATERIAL)
    return own


# ---------------------------------------------------------------------------------------------------- masks
def test_with_two_coins_whole_sites_fall_out_and_the_share_is_squared() -> None:
    shape = torch.Size((40, 50))
    for coins, share, silent in (("site_and_position", 0.09, 0.7), ("position", 0.3, 0.0)):
        with scoped(3):
            found = [refusal_ablation._mask(0.3, coins, shape) for _ in range(2000)]  # type: ignore[arg-type]
        assert sum(one is None for one in found) / 2000 == pytest.approx(silent, abs=0.03)
        drawn = sum(float(one.float().mean()) for one in found if one is not None) / 2000
        assert drawn == pytest.approx(share, abs=0.01)


def batch_of(subject: Subject) -> tuple[Tensor, Tensor]:
    texts = [(row.id, row.prompt, row.response) for row in MATERIAL.harmful]
    padded = pad_batch(encode_rows(subject, texts, MATERIAL.frame), 0)
    return padded.ids, padded.attention


def test_everywhere_nothing_of_the_direction_enters_a_feed_forward_norm() -> None:
    subject = float64_subject()
    direction = torch.randn(16, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    seen: list[Tensor] = []
    norms = [block.post_attention_layernorm for block in subject.model.model.layers]
    handles = [norm.register_forward_pre_hook(lambda _, args: seen.append(args[0].detach())) for norm in norms]
    with refusal_ablation.ablated(subject, direction, 1.0, "position"):
        read(subject, *batch_of(subject))
    assert all(float((entering @ direction).abs().max()) < 1e-6 for entering in seen[:2])
    read(subject, *batch_of(subject))
    assert all(float((entering @ direction).abs().max()) > 1e-2 for entering in seen[2:])
    for handle in handles:
        handle.remove()


def hooks(subject: Subject) -> int:
    parts = list(subject.model.modules())
    return sum(len(part._forward_hooks) + len(part._forward_pre_hooks) for part in parts)


def test_hooks_go_and_neither_length_nor_absence_of_the_direction_matters() -> None:
    subject = float64_subject()
    read(subject, *batch_of(subject))
    before, own = hooks(subject), prepared(subject)
    found = []
    for direction in (own.direction, 7 * own.direction, 0 * own.direction):
        subject.model.zero_grad()
        own.direction = direction
        found.append((step(subject, own).terms["loss"], flat_gradient(subject)))
        assert hooks(subject) == before
    assert found[1][0] == pytest.approx(found[0][0], rel=1e-7)
    subject.model.zero_grad()
    off = step(subject, prepared(subject, probability=0.0)).terms["loss"]
    assert found[2][0] == off
    assert abs(found[0][0] - off) > 1e-3


# ---------------------------------------------------------------------------------------------------- a step
def rows_by_hand(subject: Subject, own: AblatedRefusals) -> tuple[list[Example], list[Example]]:
    """The rows of step 2, made of what was drawn for them, in one batch for each kind."""
    generator = torch.Generator().manual_seed(derive(5, "mixture", 2))
    late = (torch.rand(4, generator=generator) < 0.5).tolist()
    cuts = torch.randint(1, 4, (4,), generator=generator).tolist()
    empty = (torch.rand(3, generator=generator) < 0.5).tolist()
    assert len({*late}) == len({*empty}) == 2, "the draws show both"
    encode = partial(encode_example, subject.tokenizer, frame=MATERIAL.frame)
    by_id = {row.id: row for row in (*MATERIAL.harmful, *MATERIAL.benign)}
    refusals = []
    for drawn, begun, cut in zip(own._learned.draw("refusal", 4, 2, 5), late, cuts, strict=True):
        row = by_id[drawn.row]
        harmful, refusal = (encode(prompt=row.prompt, response=text) for text in (row.response, str(row.refusal)))
        before = [*refusal.prompt, *(harmful.response[:cut] if begun else [])]
        ids = (*before, *refusal.response)
        refusals.append(Example(ids, tuple(place >= len(before) for place in range(len(ids)))))
    benign = []
    for drawn, none in zip(own._learned.draw("benign", 3, 2, 5), empty, strict=True):
        row = by_id[drawn.row]
        benign.append(encode(prompt="" if none else row.prompt, response=row.response))
    return refusals, benign


def passed(subject: Subject, masks: Sequence[Tensor | None], direction: Tensor, ids: Tensor, seen: Tensor) -> Tensor:
    """Log-probabilities with every site's own mask applied, by hooks of this test in the order of the sites."""
    unit, turn = direction / direction.norm(), iter(masks)

    def thinned(x: Tensor) -> Tensor:
        mask = next(turn)
        if mask is None:
            return x
        keep = 1 - mask.to(x)[..., None]
        return x * keep + (1 - keep) * (x - torch.einsum("btd,d,e->bte", x, unit, unit))

    def entering(_: nn.Module, args: Any, kwargs: Any) -> Any:
        return (
            ((thinned(args[0]), *args[1:]), kwargs)
            if args
            else (args, {**kwargs, "hidden_states": thinned(kwargs["hidden_states"])})
        )

    handles = []
    for block in subject.model.model.layers:
        handles.append(block.register_forward_pre_hook(entering, with_kwargs=True))
        handles.append(block.self_attn.register_forward_hook(lambda _, args, out: (thinned(out[0]), *out[1:])))
        handles.append(block.mlp.register_forward_hook(lambda _, args, out: thinned(out)))
    logits: Tensor = subject.model(input_ids=ids, attention_mask=seen).logits
    for handle in handles:
        handle.remove()
    return logits.log_softmax(-1)


@pytest.mark.parametrize("alpha", [0.0, 0.2, 1.0])
def test_a_step_is_that_written_out(alpha: float, monkeypatch: pytest.MonkeyPatch) -> None:
    subject = float64_subject()
    own, masks, draw = prepared(subject, alpha=alpha), [], refusal_ablation._mask

    def recorded(*args: Any) -> Tensor | None:
        masks.append(draw(*args))
        return masks[-1]

    monkeypatch.setattr(refusal_ablation, "_mask", recorded)
    update = step(subject, own)
    gradient = flat_gradient(subject)
    assert len(masks) == 12, "three sites in two blocks, for each kind of rows"
    assert {mask is None for mask in masks} == {True, False}
    refusals, benign = rows_by_hand(subject, own)
    subject.model.zero_grad()
    loss, means = torch.zeros((), dtype=torch.float64), []
    for rows, drawn, share in ((benign, masks[:6], 1 - alpha), (refusals, masks[6:], alpha)):
        padded = pad_batch(rows, 0)
        said = passed(subject, drawn, own.direction, padded.ids, padded.attention)
        summed = torch.zeros((), dtype=torch.float64)
        for number, row in enumerate(rows):
            for place in range(len(row.prompt), len(row.ids)):
                summed = summed - said[number, place - 1, row.ids[place]]
        means.append(float(summed.detach()) / len(rows))
        loss = loss + share * summed / len(rows)
    torch.autograd.backward(loss)
    assert update.terms["loss"] == pytest.approx(float(loss.detach()), rel=1e-6)
    assert [update.terms["benign_loss"], update.terms["refusal_loss"]] == pytest.approx(means, rel=1e-6)
    assert relative(gradient, flat_gradient(subject)) < 1e-6
    assert min(means) > 0


@pytest.mark.parametrize(("probability", "length"), [(0.0, 1.0), (0.7, 0.0)])
def test_where_nothing_is_ablated_a_step_is_that_of_the_model_as_it_is(probability: float, length: float) -> None:
    """Without coins, and with coins but no direction: each row by itself, no padding and no hooks."""
    subject = float64_subject()
    own = prepared(subject, probability=probability)
    own.direction = length * own.direction
    update = step(subject, own)
    gradient = flat_gradient(subject)
    refusals, benign = rows_by_hand(subject, own)
    subject.model.zero_grad()
    means = []
    for rows in (benign, refusals):
        logits = [subject.model(input_ids=torch.tensor([row.ids])).logits[0] for row in rows]
        answers = zip(logits, rows, strict=True)
        summed = [CE(said[len(row.prompt) - 1 : -1], torch.tensor(row.response)) for said, row in answers]
        means.append(torch.stack(summed).mean())
    loss = 0.8 * means[0] + 0.2 * means[1]
    torch.autograd.backward(loss)
    found = [update.terms[name] for name in ("loss", "benign_loss", "refusal_loss")]
    assert found == pytest.approx([float(one.detach()) for one in (loss, *means)], rel=1e-9)
    assert relative(gradient, flat_gradient(subject)) < 1e-9


def test_the_numbers_of_either_kind_do_not_shift_the_weights_of_the_kinds() -> None:
    subject = float64_subject()
    found = [step(subject, prepared(subject, probability=0.0, benign=count), t=0) for count in (1, 6)]
    for update in found:
        terms = update.terms
        assert terms["loss"] == pytest.approx(0.8 * terms["benign_loss"] + 0.2 * terms["refusal_loss"])


# ---------------------------------------------------------------------------------------------------- the direction
def test_the_direction_is_the_difference_of_the_mean_states_after_the_prompts() -> None:
    subject = float64_subject()
    own = prepared(subject, layer=1)
    means = []
    for part in ("refusal", "benign"):
        states = []
        for one in own._learned.all(part):
            with torch.no_grad():
                read_alone = subject.model(torch.tensor([one.example.prompt]), output_hidden_states=True)
            states.append(read_alone.hidden_states[1][0, -1])
        means.append(torch.stack(states).mean(0))
    torch.testing.assert_close(own.direction, means[0] - means[1], rtol=1e-6, atol=1e-9)


def test_of_all_directions_that_is_taken_which_costs_refusals_most(monkeypatch: pytest.MonkeyPatch) -> None:
    subject = tiny_subject()
    candidates = torch.eye(16, dtype=torch.float64)[:3] * torch.tensor([[0.0], [1.0], [1.0]])
    for costs, best in ((iter([1.0, 1.0, 5.0, 2.0, 3.0, 1.5]), 1), (iter([1.0, 1.0, 5.0, 5.5, 3.0, 2.5]), 2)):
        monkeypatch.setattr(refusal_ablation, "_nll", lambda *args, costs=costs: next(costs))
        assert refusal_ablation.mediating(subject, candidates, [], [], 4) == best
    none = iter([1.0, 1.0, 1.0, 2.0, 1.0, 1.5])
    monkeypatch.setattr(refusal_ablation, "_nll", lambda *args: next(none))
    with pytest.raises(MethodFailure, match="costs it refusals more than answers"):
        refusal_ablation.mediating(subject, candidates, [], [], 4)


def test_a_subject_that_was_taught_to_refuse_has_one_with_an_adapter_or_without() -> None:
    subject = tiny_subject()
    list(RefusalSFT(train_steps=60, lr=1e-2).steps(subject, MATERIAL, 0, None))
    taught, settings = subject.snapshot(), {**FEW, "layer": None, "train_steps": 1}
    for trainable in (Full(), LoRA(rank=2)):
        subject.restore(taught)
        (done,) = DeepRefusal(**settings, trainable=trainable).steps(subject, MATERIAL, 0, None)
        assert done.terms["loss"] > 0


# ---------------------------------------------------------------------------------------------------- bad input
def test_what_does_not_fit_is_told() -> None:
    with pytest.raises(InputError, match="has 2 blocks, counted from 0, and none is 7"):
        DeepRefusal(**{**FEW, "layer": 7}).check(tiny_subject())
    with pytest.raises(ValidationError, match="the fewest and the most tokens"):
        DeepRefusal(**{**FEW, "prefix": (4, 2)})
    with pytest.raises(ValidationError, match="let batch be 2 or more"):
        DeepRefusal(**FEW, batch=1)
    bare = replace(MATERIAL, harmful=tuple(row.model_copy(update={"refusal": None}) for row in MATERIAL.harmful))
    with pytest.raises(InputError, match="it has no refusal"):
        list(DeepRefusal(**FEW).steps(tiny_subject(), bare, 0, None))


def test_an_adapter_leaves_the_weights_beneath_alone_until_it_is_merged() -> None:
    subject = tiny_subject()
    steps = DeepRefusal(**FEW).steps(subject, MATERIAL, 0, None)
    next(steps)
    steps.close()  # type: ignore[attr-defined]
    assert same(weights(subject), weights(tiny_subject()))
