"""What objectives are built of: hooks that go, weights that come back, a reference that nothing moves."""

from __future__ import annotations

import math

import pytest
import torch
from support.float64 import flat_gradient, float64_subject, relative
from torch import nn

from titer.errors import InputError
from titer.models.chat_format import Batch, encode_rows, pad_batch
from titer.models.subject import Subject
from titer.testing import same, tiny_material, tiny_subject, weights
from titer.training import gradients
from titer.training.recipe import LoRA
from titer.training.representations import hidden_states
from titer.training.representations.reference import Reference
from titer.training.sft import SFT, count_responses, log_probs, nll_sum


def batch_of(subject: Subject, rows: int = 3) -> Batch:
    material = tiny_material(rows)
    texts = [(row.id, row.prompt, row.response) for row in material.train]
    return pad_batch(encode_rows(subject, texts, material.frame), 0)


def hooks(subject: Subject) -> int:
    return sum(len(module._forward_hooks) for module in subject.model.modules())


def loss(subject: Subject) -> torch.Tensor:
    batch = batch_of(subject)
    return hidden_states.read(subject, batch.ids, batch.attention).logits.square().mean()


def test_hidden_states_are_embeddings_blocks_and_the_normed_last() -> None:
    subject, batch = float64_subject(), batch_of(float64_subject())
    found = hidden_states.read(subject, batch.ids, batch.attention)
    assert len(found.hidden) == 3
    assert torch.equal(found.hidden[0], subject.model.get_input_embeddings()(batch.ids))
    head = subject.model.get_output_embeddings()
    torch.testing.assert_close(head(found.hidden[-1]), found.logits, rtol=1e-12, atol=1e-12)
    assert found.logits.dtype == torch.float64


@pytest.mark.parametrize("adapter", [False, True])
def test_outputs_of_modules_are_seen_in_order_and_hooks_go(adapter: bool) -> None:
    subject = tiny_subject()
    with LoRA(rank=2).applied(subject, 0) if adapter else hidden_states.outputs([]):
        batch, watched = batch_of(subject), hidden_states.mlps(subject)
        hidden_states.read(subject, batch.ids, batch.attention)  # transformers keeps hooks of its own from here on
        inside = hooks(subject)
        for _ in range(3):
            with hidden_states.outputs(watched) as seen:
                found = hidden_states.read(subject, batch.ids, batch.attention)
            assert [tuple(one.shape) for one in seen] == [tuple(found.hidden[0].shape)] * 2
            assert hooks(subject) == inside
        with pytest.raises(RuntimeError, match="out"), hidden_states.outputs(hidden_states.attentions(subject)):
            raise RuntimeError("out")
        assert hooks(subject) == inside


def test_a_shift_moves_the_residual_stream_by_itself_and_takes_a_gradient() -> None:
    subject = float64_subject()
    batch, places = batch_of(subject), hidden_states.mlps(subject)
    plain = hidden_states.read(subject, batch.ids, batch.attention)
    shift = torch.full_like(plain.hidden[0], 0.25).requires_grad_()
    zero = torch.zeros_like(shift)
    with hidden_states.shifted(places, [shift, zero]):
        moved = hidden_states.read(subject, batch.ids, batch.attention)
    torch.testing.assert_close(moved.hidden[1] - plain.hidden[1], shift.detach())
    moved.logits.sum().backward()
    assert shift.grad is not None
    assert shift.grad.abs().sum() > 0


def test_a_block_without_the_module_is_told() -> None:
    subject = tiny_subject()
    subject.model.model.layers[1].mlp.down_proj = nn.Identity()
    subject.model.model.layers[1].mlp.other = nn.Identity()
    del subject.model.model.layers[1].mlp.down_proj
    with pytest.raises(InputError, match=r"layers\.1 has 0 modules down_proj"):
        hidden_states.mlps(subject)


def test_gradients_are_taken_given_and_measured_over_all_tensors() -> None:
    subject = float64_subject()
    torch.autograd.backward(loss(subject))
    whole = flat_gradient(subject)
    taken = gradients.taken(subject)
    assert not any(own.grad is not None for own in subject.model.parameters())
    assert gradients.norm(taken) == pytest.approx(float(whole.norm()), rel=1e-12)
    assert gradients.norm({"a": torch.tensor([3.0]), "b": torch.tensor([4.0])}) == 5.0
    assert gradients.inner(taken, taken) == pytest.approx(gradients.norm(taken) ** 2, rel=1e-12)
    gradients.give(subject, taken, 2.0)
    gradients.give(subject, taken, -0.5)
    assert relative(flat_gradient(subject), 1.5 * whole) < 1e-12
    gradients.scale(subject, -2.0)
    assert relative(flat_gradient(subject), -3.0 * whole) < 1e-12


@pytest.mark.parametrize("fails", [False, True])
def test_moved_weights_are_put_back_bit_for_bit(fails: bool) -> None:
    subject = tiny_subject()
    torch.autograd.backward(loss(subject))
    direction, before = gradients.taken(subject), weights(subject)
    try:
        with gradients.moved(subject, direction, 0.3):
            assert not same(weights(subject), before)
            if fails:
                raise RuntimeError
    except RuntimeError:
        assert fails
    assert same(weights(subject), before)


@pytest.mark.parametrize("adapter", [False, True])
def test_a_reference_stays_what_the_subject_was(adapter: bool) -> None:
    subject = tiny_subject()
    batch = batch_of(subject)
    with LoRA(rank=2).applied(subject, 0) if adapter else hidden_states.outputs([]):
        reference = Reference(subject)
        with subject.reading():
            first = hidden_states.read(subject, batch.ids, batch.attention).logits
        trainable = list(gradients.trained(subject))
        with torch.no_grad():
            for own in gradients.trained(subject).values():
                own.add_(0.1)
        subject.model.train()
        with reference.reading() as frozen:
            again = hidden_states.read(frozen, batch.ids, batch.attention).logits
        assert torch.equal(first, again)
        assert subject.model.training
        assert list(gradients.trained(subject)) == trainable
        with subject.reading():
            assert not torch.equal(first, hidden_states.read(subject, batch.ids, batch.attention).logits)


def test_losses_of_rows_are_those_written_out() -> None:
    subject, material = float64_subject(), tiny_material(3)
    examples = encode_rows(subject, [(r.id, r.prompt, r.response) for r in material.train], material.frame)
    (counted,) = count_responses(subject, examples, 3)
    with subject.reading():
        by_row, total = log_probs(subject, counted), nll_sum(subject, counted)
        for own, example in zip(by_row, examples, strict=True):
            ids = torch.tensor([example.ids])
            logits = subject.model(input_ids=ids).logits[0].log_softmax(-1)
            first = example.mask.index(True)
            said = sum(float(logits[place - 1, example.ids[place]]) for place in range(first, len(example.ids)))
            assert float(own) == pytest.approx(said, rel=1e-9)
    assert float(total) == pytest.approx(-float(by_row.sum()), rel=1e-12)
    assert math.isfinite(SFT(rows={"train": 3}, batch=3).backward(subject, material, 0, 0).terms["loss"])
