"""TAR's initial safeguard against its formula."""

from __future__ import annotations

import pytest
import torch
from support.float64 import flat_gradient, float64_subject, relative

from titer.methods.defenses.meta_learned.random_mapping import RandomMapping
from titer.models.chat_format import Batch, pad_batch
from titer.seeds import derive
from titer.testing import check_defense, tiny_material, tiny_subject
from titer.training.objectives.meta_learned.random_mapping import MappedStates
from titer.training.recipe import LoRA
from titer.training.sft import BatchSampler

SEED = 1


@pytest.mark.parametrize("over_padding", [False, True])
def test_it_is_its_formula_written_out(over_padding: bool) -> None:
    subject, fed = float64_subject(), tiny_material(6)
    own = MappedStates(harmful=3, benign=3, batch=3, benign_text="whole", over_padding=over_padding)
    own.prepare(subject, fed)
    terms = own.backward(subject, fed, 0, SEED).terms
    model, sampler = float64_subject().model, BatchSampler(subject, fed, ("harmful", "benign"))

    def rows(part: str) -> Batch:
        drawn = sampler.draw("harmful" if part == "harmful" else "benign", 3, 0, SEED)
        return pad_batch([one.example for one in drawn], 0)

    generator = torch.Generator().manual_seed(derive(SEED, "table"))
    table = torch.randn(len(subject.tokenizer), 16, generator=generator).double()
    mapped, usual = rows("harmful"), rows("benign")
    read = {"attention_mask": mapped.attention, "output_hidden_states": True}
    hidden = model(input_ids=mapped.ids, **read).hidden_states
    angles = [1 - torch.nn.functional.cosine_similarity(h, table[mapped.ids], dim=-1).abs() for h in hidden]
    places = torch.ones_like(mapped.ids) if over_padding else mapped.attention
    distance = torch.stack([one[places.bool()].mean() for one in angles]).mean()
    real = usual.attention[:, 1:].bool()
    logits = model(input_ids=usual.ids, attention_mask=usual.attention).logits[:, :-1][real]
    loss = torch.nn.functional.cross_entropy(logits, usual.ids[:, 1:][real])
    expected = torch.autograd.grad(loss + distance, list(model.parameters()))
    assert relative(flat_gradient(subject), torch.cat([one.flatten() for one in expected])) < 1e-9
    assert terms["mapping_distance"] == pytest.approx(float(distance.detach()), rel=1e-9)
    assert terms["retain_loss"] == pytest.approx(float(loss.detach()), rel=1e-9)
    assert terms["loss"] == pytest.approx(terms["retain_loss"] + terms["mapping_distance"], rel=1e-12)


def test_the_states_turn() -> None:
    defense = RandomMapping(train_steps=30, lr=1e-2, batch=4)
    found = [step.terms["mapping_distance"] for step in defense.steps(tiny_subject(), tiny_material(), 0, None)]
    assert found[-1] < 0.8 * found[0]


def test_conformance_of_an_adapter() -> None:
    check_defense(RandomMapping(train_steps=2, lr=1e-2, batch=2, trainable=LoRA(rank=2), mean_over_padding=True))
