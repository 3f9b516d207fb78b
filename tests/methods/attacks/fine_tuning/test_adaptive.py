"""Attacks that know what the defense did: other weights for the same function, and its objective reversed."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
import torch
from support.architectures import gpt2, llama, logits

from titer.errors import InputError
from titer.methods import registry
from titer.methods.attacks.fine_tuning.direct import Direct
from titer.methods.attacks.fine_tuning.reversal import Reversal
from titer.methods.attacks.weight_edits._rescaling import parts_of
from titer.methods.attacks.weight_edits.reparameterized import Reparameterized
from titer.methods.base import Attack
from titer.methods.defenses.loss_based.adversarial_loss import AdversarialLoss
from titer.methods.probes.generate import Generate
from titer.methods.requires import Need
from titer.models.subject import Subject
from titer.records import Frame
from titer.testing import check_attack, same, tiny_items, tiny_material, tiny_subject, weights
from titer.training.objectives.loss_based.adversarial_loss import Contrast
from titer.training.recipe import LoRA, Training


@pytest.mark.parametrize(
    "attack",
    [
        Reparameterized(lr=1e-2),
        Reparameterized(lr=1e-2, gain=10.0, channels=0.1, trainable=LoRA(rank=2)),
        Reversal(lr=1e-2, batch=4),
        Reversal(lr=1e-2, batch=4, benign_share=0.25),
    ],
)
def test_conformance(attack: Attack) -> None:
    check_attack(attack)


# ---------------------------------------------------------------------------------------------------- rescaling
def uneven() -> Subject:
    """A subject whose norms do not multiply by 1."""
    subject = llama(tied=True)
    with torch.no_grad():
        for norm, _ in parts_of(subject.model).norms:
            norm.get_parameter("weight").copy_(torch.linspace(-0.5, 3, 16))
    return subject


@pytest.mark.parametrize(
    ("gain", "channels"), list(itertools.product((None, 0.1, 1.0, 10.0), (None, "balanced", 0.1, 10.0)))
)
def test_a_rescaled_subject_answers_as_before(gain: float | None, channels: Any) -> None:
    subject, before = uneven(), uneven()
    Reparameterized(gain=gain, channels=channels).rescale(subject)
    torch.testing.assert_close(logits(subject), logits(before), atol=1e-4, rtol=1e-3)
    items = tiny_items()
    one, other = (Generate().ask(own, items, Frame(max_new_tokens=8), 2) for own in (subject, before))
    assert one == other
    before.untie()
    moved = not same(weights(subject), weights(before))
    assert moved == (gain is not None or channels is not None)


def test_norms_multiply_by_the_gain_and_channels_are_balanced() -> None:
    subject = uneven()
    Reparameterized(gain=2.0).rescale(subject)
    parts = parts_of(subject.model)
    assert len(parts.norms) == 7
    assert all(torch.equal(norm.get_parameter("weight"), torch.full((16,), 2.0)) for norm, _ in parts.norms)
    for up, down in parts.channels:
        torch.testing.assert_close(up.weight.norm(dim=1), down.weight.norm(dim=0))


def test_a_factor_goes_into_the_channels_and_out_again() -> None:
    subject, before = uneven(), uneven()
    Reparameterized(gain=None, channels=4.0).rescale(subject)
    for (up, down), (old_up, old_down) in zip(
        parts_of(subject.model).channels, parts_of(before.model).channels, strict=True
    ):
        torch.testing.assert_close(up.weight, 4 * old_up.weight)
        torch.testing.assert_close(down.weight, old_down.weight / 4)


def test_the_bias_into_a_channel_goes_with_it_and_one_that_is_never_used_stays() -> None:
    subject = uneven()
    for block in subject.model.model.layers:
        block.mlp.up_proj.bias = torch.nn.Parameter(torch.linspace(-1, 1, 32))
        with torch.no_grad():
            block.mlp.down_proj.weight[:, 3] = 0.0
    before = logits(subject)
    Reparameterized().rescale(subject)
    torch.testing.assert_close(logits(subject), before, atol=1e-4, rtol=1e-3)
    assert all(weight.isfinite().all() for weight in weights(subject).values())


def test_without_rescaling_it_is_direct() -> None:
    one, other = tiny_subject(), tiny_subject()
    other.untie()
    bare = Reparameterized(lr=1e-2, gain=None, channels=None)
    taken = [step.terms for step in bare.steps(one, tiny_material(), 3, 0)]
    assert taken == [step.terms for step in Direct(lr=1e-2).steps(other, tiny_material(), 3, 0)]
    assert same(weights(one), weights(other))


def test_the_first_loss_is_that_of_direct_and_what_follows_is_not() -> None:
    plain = [step.terms["loss"] for step in Direct(lr=1e-2).steps(uneven(), tiny_material(), 5, 0)]
    own = [step.terms["loss"] for step in Reparameterized(lr=1e-2).steps(uneven(), tiny_material(), 5, 0)]
    assert own[0] == pytest.approx(plain[0], rel=1e-4)
    assert own[1:] != pytest.approx(plain[1:], rel=1e-3)


def test_other_blocks_are_told_before_the_run() -> None:
    with pytest.raises(InputError, match=r"it has no linear module transformer\.h\.0\.self_attn\.q_proj\. Leave"):
        Reparameterized().check(gpt2(), 1)
    subject = llama()
    subject.model.model.layers[1].input_layernorm = torch.nn.LayerNorm(16)
    with pytest.raises(InputError, match=r"layers\.1\.input_layernorm is a LayerNorm, and not one of LlamaRMSNorm"):
        Reparameterized().check(subject, 1)


# ---------------------------------------------------------------------------------------------------- reversal
def losses(subject: Subject) -> tuple[float, float]:
    """Nats per token of the refusals and of the harmful responses of the tiny material."""
    terms = Contrast(pairs=12, benign=0, batch=12, weight=0.0, mask="response", clamp=None)
    update = terms.backward(subject, tiny_material(), 0, 0)
    subject.model.zero_grad()
    return update.terms["refusal_loss"], update.terms["harmful_loss"]


def gradient(subject: Subject, *, reverse: bool, weight: float) -> dict[str, torch.Tensor]:
    objective = Contrast(pairs=4, benign=0, batch=4, weight=weight, mask="response", clamp=None, reverse=reverse)
    objective.backward(subject, tiny_material(4), 0, 1)
    return {name: own.grad.clone() for name, own in subject.model.named_parameters() if own.grad is not None}


def test_its_gradient_is_that_of_the_defense_with_the_sign_turned() -> None:
    defense, attack = (gradient(tiny_subject(), reverse=reverse, weight=1.0) for reverse in (False, True))
    assert defense.keys() == attack.keys() != set()
    for name, own in defense.items():
        torch.testing.assert_close(attack[name], -own, atol=1e-5, rtol=1e-3)


def test_it_lowers_what_the_defense_raised_and_raises_what_it_lowered() -> None:
    subject = tiny_subject()
    list(AdversarialLoss(lr=1e-2, batch=4, train_steps=20, mask="response", weight=0.5, clamp=8.0).steps(
        subject, tiny_material(), 0, None))  # fmt: skip
    refusal, harmful = losses(subject)
    taken = list(Reversal(lr=1e-2, batch=4, weight=0.5, clamp=8.0).steps(subject, tiny_material(), 20, 0))
    after = losses(subject)
    assert after[0] > refusal + 1
    assert after[1] < harmful - 1
    assert taken[-1].terms["loss"] < taken[0].terms["loss"]
    assert taken[-1].loss_tokens["prompt"] == taken[-1].loss_tokens["padding"] == 0


def test_above_the_clamp_only_the_harmful_part_is_followed() -> None:
    clamped, bare = Reversal(lr=1e-2, batch=4, weight=1.0, clamp=1e-3), Reversal(lr=1e-2, batch=4, weight=0.0)
    one, other = tiny_subject(), tiny_subject()
    list(clamped.steps(one, tiny_material(), 5, 0))
    list(bare.steps(other, tiny_material(), 5, 0))
    assert same(weights(one), weights(other))


def test_without_weight_it_is_direct_where_a_step_has_all_rows() -> None:
    one, other = tiny_subject(), tiny_subject()
    list(Reversal(lr=1e-3, batch=12, weight=0.0).steps(one, tiny_material(), 2, 0))
    list(Direct(lr=1e-3, batch=12).steps(other, tiny_material(), 2, 0))
    for name, weight in weights(one).items():
        torch.testing.assert_close(weight, weights(other)[name], atol=1e-5, rtol=1e-3)


def test_benign_rows_are_wanted_where_they_have_a_share() -> None:
    assert Reversal().requires.rows[Need.BENIGN] == 0
    assert Reversal(benign_share=0.5).requires.rows[Need.BENIGN] == 1
    step = next(Reversal(lr=1e-2, batch=4, benign_share=0.5).steps(tiny_subject(), tiny_material(), 1, 0))
    assert sorted(row[0] for row in step.rows) == ["b", "b", "h", "h", "h", "h"]


UNTRAINED = {"none", "no_op", "checkpoint", "random_displacement", "weight_noise", "random_init", "lox"}
UNKNOWN = {
    *(
        "gradient_ascent",
        "graddiff",
        "npo",
        "simnpo",
        "sam_npo",
        "repnoise",
        "crl",
        "repbend",
        "circuit_breakers",
        "rmu",
    ),
    *("vaccine", "targeted_vaccine", "booster", "lat", "vaa", "random_mapping", "tar", "mlac", "ctrap", "seam", "sdd"),
    *("deep_safety", "deep_refusal", "ctrl", "sophon"),
}
"""2026-11-27: no attack here knows what these descend, so that none turns it against them."""


def test_a_defense_that_trains_is_known_to_an_attack_or_named_as_unknown() -> None:
    trained = {name for name, defense in registry.DEFENSES.items() if issubclass(defense, Training)}
    assert registry.DEFENSES.keys() - trained == UNTRAINED
    trained -= {"sft"}  # which teaches before anything is defended
    against = {name for attack in registry.ATTACKS.values() for name in attack.defeats}
    assert against <= registry.DEFENSES.keys()
    assert trained - against == UNKNOWN
