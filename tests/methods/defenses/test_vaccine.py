"""Vaccine and its targeted form against steps written out, how long their shifts are, and what stands still."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any, Literal

import pytest
import torch
from support.float64 import first_update, flat_gradient, float64_subject, relative
from support.targeted import ROWS, targeted
from support.uneven_rows import uneven_material
from torch import Tensor, nn

from titer.methods.base import Defense
from titer.methods.defenses.controls.refusal_sft import RefusalSFT
from titer.methods.defenses.perturbation.targeted_vaccine import TargetedVaccine
from titer.methods.defenses.perturbation.vaccine import Vaccine
from titer.models.chat_format import encode_example, pad_batch
from titer.models.subject import Subject
from titer.testing import check_defense, same, tiny_material, tiny_subject, weights
from titer.training.objectives.perturbation.vaccine import Perturbed
from titer.training.recipe import LoRA, Training
from titer.training.representations import hidden_states
from titer.training.sft import SFT, places


def perturbed(
    rho: float = 2.0, batch: int = ROWS, perturbation: Literal["gradient", "random"] = "gradient"
) -> Perturbed:
    return Perturbed(rows={"refusal": ROWS}, batch=batch, rho=rho, perturbation=perturbation)


def refusals(subject: Subject) -> tuple[Tensor, Tensor, Tensor]:
    """(B, T) ids, attention, and labels with -100, of the rows of step 0 with seed 1."""
    material = uneven_material()
    rows = [material.harmful[place] for place in places(12, ROWS, 0, 1, "harmful")]
    examples = [encode_example(subject.tokenizer, row.prompt, str(row.refusal), material.frame) for row in rows]
    batch = pad_batch(examples, 0)
    return batch.ids, batch.attention, batch.ids.masked_fill(~batch.mask, -100)


def mean_nll(subject: Subject) -> Tensor:
    ids, attention, labels = refusals(subject)
    logits = subject.model(input_ids=ids, attention_mask=attention).logits
    return torch.nn.functional.cross_entropy(logits[:, :-1].flatten(0, 1), labels[:, 1:].flatten())


def written_out(rho: float, blocks: tuple[int, ...] = (0, 1)) -> tuple[dict[str, float], Tensor]:
    """Both passes by hooks of their own on whole attention modules, whose first output is what is written."""
    subject, written = float64_subject(), {}
    modules = [subject.model.model.layers[block].self_attn for block in blocks]

    def keep(module: Any, args: Any, output: Any) -> None:
        output[0].retain_grad()
        written[module] = output[0]

    handles = [module.register_forward_hook(keep) for module in modules]
    unshifted = mean_nll(subject)
    torch.autograd.backward(unshifted)
    for handle in handles:
        handle.remove()
    found = {module: output.grad for module, output in written.items()}
    norm = torch.cat([own.flatten() for own in found.values()]).norm()
    subject.model.zero_grad()

    def add(module: Any, args: Any, output: Any) -> Any:
        return (output[0] + rho * found[module] / (norm + 1e-7), *output[1:])

    handles = [module.register_forward_hook(add) for module in modules]
    loss = mean_nll(subject)
    torch.autograd.backward(loss)
    for handle in handles:
        handle.remove()
    terms = {"unshifted_loss": unshifted, "output_gradient_norm": norm, "loss": loss}
    return {name: float(value.detach()) for name, value in terms.items()}, flat_gradient(subject)


@pytest.mark.parametrize(
    "defense",
    [
        Vaccine(train_steps=3, lr=1e-2, batch=4, accumulation=2, benign_share=0.5),
        Vaccine(train_steps=3, lr=1e-2, batch=4, perturbation="random"),
        Vaccine(train_steps=3, lr=1e-2, batch=4, trainable=LoRA(rank=2, dropout=0.1)),
        Vaccine(train_steps=3, lr=1e-2, batch=4, trainable=LoRA(rank=2, targets=("down_proj",))),
        TargetedVaccine(train_steps=5, lr=1e-2, batch=4, layers=1, switch_every=2, score_every=3, freeze="attention"),
        TargetedVaccine(train_steps=4, lr=1e-2, batch=4, layers=1, switch_every=1, trainable=LoRA(rank=2)),
    ],
)
def test_conformance(defense: Defense) -> None:
    check_defense(defense)


@pytest.mark.parametrize("rho", [0.5, 5.0])
def test_losses_and_gradient_are_those_written_out(rho: float) -> None:
    terms, gradient = first_update(perturbed(rho))
    expected, wanted = written_out(rho)
    assert terms == pytest.approx(expected, rel=1e-9)
    assert relative(gradient, wanted) < 1e-9


def test_rho_0_is_refusal_sft_bit_for_bit() -> None:
    settings = {**dict(Training(lr=1e-2, batch=4, accumulation=2)), "train_steps": 3, "benign_share": 0.5}
    made = []
    for defense in (Vaccine.model_validate({**settings, "rho": 0.0}), RefusalSFT.model_validate(settings)):
        subject = tiny_subject()
        for _ in defense.steps(subject, tiny_material(), 3, None):
            pass
        made.append(weights(subject))
    assert same(*made)


def test_one_norm_over_modules_tokens_and_rows_however_the_step_is_cut() -> None:
    (terms, gradient), (others, other) = first_update(perturbed()), first_update(perturbed(batch=1))
    assert others == pytest.approx(terms, rel=1e-12)
    assert relative(other, gradient) < 1e-12


def test_for_short_shifts_the_loss_rises_by_rho_times_the_gradient() -> None:
    ratios = []
    for rho in (0.03, 0.01, 0.003):
        terms, _ = first_update(perturbed(rho))
        ratios.append((terms["loss"] - terms["unshifted_loss"]) / (rho * terms["output_gradient_norm"]))
    errors = [abs(ratio - 1) for ratio in ratios]
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < 5e-3


def test_as_long_a_shift_at_random_raises_the_loss_far_less() -> None:
    along, _ = first_update(perturbed(0.5))
    anywhere, _ = first_update(perturbed(0.5, perturbation="random"))
    rise = along["loss"] - along["unshifted_loss"]
    assert abs(anywhere["loss"] - along["unshifted_loss"]) < 0.3 * rise


@pytest.mark.parametrize("perturbation", ["gradient", "random"])
def test_shifts_are_as_long_as_rho_and_none_is_on_padding(
    perturbation: Literal["gradient", "random"], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Tensor] = []
    shifted = hidden_states.shifted

    def watched(moved: list[nn.Module], shifts: list[Tensor]) -> AbstractContextManager[None]:
        seen.extend(shifts)
        return shifted(moved, shifts)

    monkeypatch.setattr(hidden_states, "shifted", watched)
    first_update(perturbed(3.0, perturbation=perturbation))
    own = seen[-2:]
    assert float(torch.cat([one.flatten() for one in own]).norm()) == pytest.approx(3.0, rel=1e-6)
    _, attention, _ = refusals(tiny_subject())
    assert all(float(one[attention == 0].abs().sum()) == 0 for one in own)


def test_hooks_go_and_nothing_but_the_gradient_is_left() -> None:
    subject = tiny_subject()
    before = weights(subject)
    perturbed().backward(subject, tiny_material(), 0, 1)
    assert same(weights(subject), before)
    assert sum(len(own._forward_hooks) for own in hidden_states.attentions(subject)) == 0


def test_with_all_blocks_drawn_the_targeted_form_is_the_whole() -> None:
    (terms, gradient), (others, other) = first_update(perturbed()), first_update(targeted(2))
    assert others == terms
    assert torch.equal(other, gradient)


@pytest.mark.parametrize(("freeze", "still"), [("block", "layers.{}."), ("attention", "layers.{}.self_attn.")])
def test_targeted_losses_and_gradient_are_those_written_out(freeze: Literal["block", "attention"], still: str) -> None:
    objective = targeted(1, freeze=freeze)
    terms, gradient = first_update(objective)
    drawn = int(objective.state()["drawn"])
    expected, wanted = written_out(2.0, (drawn,))
    assert terms == pytest.approx(expected, rel=1e-9)
    names = [(name, own.numel()) for name, own in float64_subject().model.named_parameters()]
    moves = torch.cat([torch.full((size,), float(still.format(1 - drawn) not in name)) for name, size in names])
    assert 0 < moves.sum() < len(moves)
    assert relative(gradient, wanted * moves) < 1e-9


def test_the_shift_changes_the_gradient() -> None:
    whole = first_update(SFT(rows={"refusal": ROWS}, batch=ROWS))[1]
    assert relative(first_update(perturbed())[1], whole) > 1e-2
