"""TAR against steps written out with plain autograd and torch's own AdamW."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
import torch
from support.float64 import flat_gradient, float64_subject, relative
from support.given_logits import GivenLogits, row
from torch import Tensor

from titer.errors import InputError
from titer.methods.defenses.meta_learned.tar import TAR
from titer.models.chat_format import Batch, pad_batch
from titer.models.randomness import scoped
from titer.models.subject import Subject
from titer.seeds import derive
from titer.testing import check_defense, same, tiny_material, tiny_subject, weights
from titer.training.objectives.meta_learned.tamper_losses import NegativeEntropy
from titer.training.objectives.meta_learned.tar import TamperResistance
from titer.training.recipe import LoRA
from titer.training.sft import BatchSampler
from titer.training.types import Material

CE = torch.nn.functional.cross_entropy
SEED = 1


def material(parent: int | None = None) -> Material:
    own = tiny_material(10)
    return replace(own, parent=None if parent is None else partial(float64_subject, parent))


def objective(**changed: Any) -> TamperResistance:
    small = {"inner_steps": 4, "inner_lrs": (0.01,), "inner_batch": 3, "subsample": 2, "switch_share": 0.0, "batch": 3}
    chosen = TAR.model_validate({"train_steps": 1, **small, **changed})
    made: list[TamperResistance] = []

    class Caught(Exception):
        pass

    def catch(subject: Subject, fed: Material, recipe: Any, **_: Any) -> Any:
        made.append(recipe.objective)
        raise Caught

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("titer.training.loop.train", catch)
        with pytest.raises(Caught):
            next(iter(chosen.steps(tiny_subject(), material(), 0, None)))
    return made[0]


def step(subject: Subject, fed: Material | None = None, **changed: Any) -> tuple[dict[str, float], Tensor]:
    own, fed = objective(**changed), fed or material()
    own.prepare(subject, fed)
    with scoped(0):
        update = own.backward(subject, fed, 0, SEED)
    return dict(update.terms), flat_gradient(subject)


class Written:
    """The method on the same rows: of ten harmful ones the fifth and the tenth are held out."""

    def __init__(self, reference: int = 0) -> None:
        self.model = float64_subject().model
        self.reference = float64_subject(reference).model
        subject, fed = float64_subject(), material()
        held = tuple(row for place, row in enumerate(fed.harmful) if place in (4, 9))
        attacked = tuple(row for row in fed.harmful if row not in held)
        self.sampler = BatchSampler(subject, replace(fed, harmful=attacked), ("harmful", "benign"))
        self.held = BatchSampler(subject, replace(fed, harmful=held), ("harmful", "refusal"))

    def rows(self, sampler: BatchSampler, part: Any, count: int, t: int) -> Batch:
        return pad_batch([one.example for one in sampler.draw(part, count, t, SEED)], 0)

    def logits(self, batch: Batch, model: Any = None) -> Any:
        chosen = self.model if model is None else model
        return chosen(input_ids=batch.ids, attention_mask=batch.attention, output_hidden_states=True, use_cache=False)

    def whole(self, batch: Batch) -> Tensor:
        real = batch.attention[:, 1:].bool()
        loss: Tensor = CE(self.logits(batch).logits[:, :-1][real], batch.ids[:, 1:][real])
        return loss

    def entropy(self) -> Tensor:
        batch = self.rows(self.held, "harmful", 3, 0)
        said: Tensor = self.logits(batch).logits[batch.attention.bool()].log_softmax(-1)
        return (said.exp() * said).sum(-1).mean()

    def preference(self, beta: float) -> Tensor:
        def log_p(model: Any, part: Any) -> Tensor:
            batch = self.rows(self.held, part, 3, 0)
            said = self.logits(batch, model).logits[:, :-1].log_softmax(-1)
            taken: Tensor = said.gather(-1, batch.ids[:, 1:, None])[..., 0]
            return (taken * batch.mask[:, 1:]).sum(1)

        now = log_p(self.model, "refusal") - log_p(self.model, "harmful")
        with torch.no_grad():
            before = log_p(self.reference, "refusal") - log_p(self.reference, "harmful")
        return -torch.log(torch.sigmoid(beta * (now - before))).mean()

    def retain(self, share: float) -> Tensor:
        batch = self.rows(self.sampler, "benign", 3, 0)
        real = batch.attention.bool()
        with torch.no_grad():
            before = self.logits(batch, self.reference).hidden_states
        now = self.logits(batch).hidden_states
        apart = [torch.norm((b - a)[real], dim=-1).mean() for a, b in zip(before, now, strict=True)]
        return self.whole(batch) + share * torch.stack(apart).mean()

    def flat(self, loss: Tensor) -> Tensor:
        own = torch.autograd.grad(loss, list(self.model.parameters()))
        return torch.cat([one.flatten() for one in own])

    def tampered(self, loss: Any, rate: float, counted: Sequence[int], decay: float = 0.0625) -> tuple[float, Tensor]:
        """Σ w_i L(θ_i) and Σ w_i ∇L(θ_i) along four steps of AdamW; the weights are put back."""
        before = torch.nn.utils.parameters_to_vector(self.model.parameters()).detach().clone()
        optimizer = torch.optim.AdamW(self.model.parameters(), lr=rate)
        whole, total = torch.zeros_like(before), 0.0
        for i in range(4):
            optimizer.zero_grad()
            self.whole(self.rows(self.sampler, "harmful", 3, i)).backward()
            optimizer.step()
            if i in counted:
                share, found = math.exp(decay * (i - 3)), loss()
                total += share * float(found.detach())
                whole += share * self.flat(found)
        torch.nn.utils.vector_to_parameters(before, self.model.parameters())
        return total, whole


def test_conformance_of_an_adapter_and_of_preferences() -> None:
    own = {"train_steps": 2, "lr": 1e-2, "batch": 2, "inner_steps": 3, "inner_lrs": (1e-2,), "subsample": 2}
    adapter = LoRA(rank=2, dropout=0.1).to_data()
    check_defense(TAR.model_validate({**own, "objective": "preference", "attacks_per_step": 2, "trainable": adapter}))


@pytest.mark.parametrize("kind", ["entropy", "preference"])
def test_a_step_is_the_method_written_out(kind: str) -> None:
    scales = {"tamper_scale": 2.0, "retain_scale": 0.7, "representation_scale": 0.5}
    terms, gradient = step(float64_subject(), material(parent=3), objective=kind, beta=0.3, **scales)
    written = Written(reference=3)
    loss = written.entropy if kind == "entropy" else partial(written.preference, 0.3)
    total, tampered = written.tampered(loss, 0.01, (1, 3))
    expected = 2.0 * tampered + 0.7 * written.flat(written.retain(0.5))
    assert relative(gradient, expected) < 1e-6
    kept = float(written.retain(0.5).detach())
    assert terms["retain_loss"] + 0.5 * terms["representation_distance"] == pytest.approx(kept, rel=1e-9)
    assert terms["tamper_loss"] == pytest.approx(total, rel=1e-9)
    assert terms["loss"] == pytest.approx(2.0 * total + 0.7 * kept, rel=1e-9)


def test_an_attack_that_does_not_move_gives_the_gradient_at_the_weights() -> None:
    """Σw · ∇L(θ), at a rate of next to nothing."""
    _, gradient = step(float64_subject(), inner_lrs=(1e-12,), representation_scale=0.0)
    written = Written()
    share = math.exp(-0.0625 * 2) + 1
    expected = 4.0 * share * written.flat(written.entropy()) + written.flat(written.retain(0.0))
    assert relative(gradient, expected) < 1e-6


def test_weights_along_an_attack_are_those_of_the_published_schedule() -> None:
    own = objective(inner_steps=64, subsample=4)
    counted = [own.weight(step) for step in range(64) if (step + 1) % 4 == 0]
    assert len(counted) == 16
    assert sum(counted) == pytest.approx(4.438, abs=5e-4)
    assert counted[0] == pytest.approx(0.0235, abs=5e-5)
    assert counted[-1] == 1.0


def test_without_tampering_it_is_a_step_on_benign_rows_near_the_reference() -> None:
    terms, gradient = step(float64_subject(), material(parent=3), tamper_scale=0.0)
    assert relative(gradient, (written := Written(reference=3)).flat(written.retain(1.0))) < 1e-9
    assert "attack_loss_first" not in terms


def test_the_distance_is_0_at_the_reference_and_has_a_gradient_away_from_it() -> None:
    near, gradient = step(float64_subject(), tamper_scale=0.0)
    far, _ = step(float64_subject(), material(parent=3), tamper_scale=0.0)
    assert (near["representation_distance"], far["representation_distance"] > 0.1) == (0.0, True)
    written = Written()
    assert relative(gradient, written.flat(written.retain(0.0))) < 1e-9
    away = Written(reference=3)
    assert float(away.flat(away.retain(1.0) - away.retain(0.0)).norm()) > 1e-3


def test_the_slope_of_the_entropy_is_p_times_log_p_and_the_entropy() -> None:
    """Of the mean over the seven tokens of two rows: the padding of the second has none."""
    subject = GivenLogits(2, 5, 9)
    rows = [row((1, 2, 3, 4, 5), 3), row((1, 2), 1)]
    loss = NegativeEntropy(over_padding=False).backward(subject, [rows], 2, 3.0)
    said = subject.said.detach().log_softmax(-1)
    entropy = -(said.exp() * said).sum(-1, keepdim=True)
    read = torch.tensor([[1, 1, 1, 1, 1], [1, 1, 0, 0, 0]], dtype=torch.float64)[..., None]
    torch.testing.assert_close(subject.slope, 3 / 7 * read * said.exp() * (said + entropy))
    assert loss == pytest.approx(-float((read * entropy).sum()) / 7, rel=1e-12)


def test_the_losses_start_where_they_must() -> None:
    terms, _ = step(float64_subject(), objective="preference", inner_lrs=(1e-12,), subsample=4)
    assert terms["tamper_loss"] == pytest.approx(math.log(2), rel=1e-9), "at the reference"
    subject = float64_subject()
    subject.untie()
    with torch.no_grad():
        subject.model.get_output_embeddings().weight.zero_()
    terms, _ = step(subject, inner_lrs=(1e-12,), subsample=4)
    assert terms["tamper_loss"] == pytest.approx(-math.log(len(subject.tokenizer)), rel=1e-6), "its lower bound"


def test_an_attack_leaves_weights_and_mode_as_they_were() -> None:
    subject = tiny_subject()
    subject.model.train()
    before = weights(subject)
    terms, _ = step(subject, inner_lrs=(0.05,))
    assert same(weights(subject), before)
    assert subject.model.training
    assert terms["attack_loss_last"] < terms["attack_loss_first"]


def test_accumulated_equals_at_once() -> None:
    """Three rows at a time against one: the attack's own batches are not cut."""
    for kind in ("entropy", "preference"):
        found = []
        for batch in (3, 1):
            own = objective(objective=kind)
            own.batch = batch
            subject = float64_subject()
            own.prepare(subject, material(parent=3))
            with scoped(0):
                own.backward(subject, material(), 0, SEED)
            found.append(flat_gradient(subject))
        assert relative(found[1], found[0]) < 1e-9


def test_padding_counts_where_that_is_asked() -> None:
    alone, _ = step(float64_subject(), material(parent=3))
    padded, _ = step(float64_subject(), material(parent=3), mean_over_padding=True)
    assert alone["representation_distance"] != pytest.approx(padded["representation_distance"], rel=1e-6)


def test_an_attack_may_begin_with_benign_rows() -> None:
    kinds: list[str] = []
    adversary = replace(objective().adversary, steps=8, switch_share=1.0)
    subject = tiny_subject()
    sampler = BatchSampler(subject, material(), ("harmful", "benign"))
    with scoped(0), subject.restored():
        for taken in adversary.attack(subject, sampler, 0, SEED):
            kinds.append(taken.drawn[0].row[0])
    assert kinds == sorted(kinds), "benign rows, then harmful ones"
    assert set(kinds) == {"b", "h"}


def test_rates_are_drawn_and_each_attack_starts_afresh(monkeypatch: pytest.MonkeyPatch) -> None:
    rates = []
    build = torch.optim.AdamW

    def built(parameters: Any, lr: float, **settings: Any) -> torch.optim.AdamW:
        rates.append(lr)
        optimizer = build(parameters, lr=lr, **settings)
        assert not optimizer.state
        assert optimizer.defaults["weight_decay"] == 0.01
        return optimizer

    monkeypatch.setattr(torch.optim, "AdamW", built)
    own = objective(inner_lrs=(1e-4, 1e-3), attacks_per_step=8, inner_steps=1, subsample=1)
    subject = tiny_subject()
    own.prepare(subject, material())
    with scoped(derive(0, "x")):
        own.backward(subject, material(), 0, SEED)
    assert set(rates) == {1e-4, 1e-3}


def test_bad_input_is_told_before_training() -> None:
    few = replace(material(), harmful=material().harmful[:4])
    with pytest.raises(InputError, match=r"held_out: of 4 harmful rows a share of 0\.2 leaves none"):
        next(iter(TAR(train_steps=1).steps(tiny_subject(), few, 0, None)))
    with pytest.raises(ValueError, match="subsample is at most inner_steps"):
        TAR(train_steps=1, inner_steps=2)
    with pytest.raises(ValueError, match="inner_lrs are above 0"):
        TAR(train_steps=1, inner_lrs=(0.0,))
