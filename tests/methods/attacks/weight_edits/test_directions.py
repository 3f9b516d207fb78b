"""Refusal ablation beyond one direction erased everywhere: several, by a kernel over the blocks, and with a prefill."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from support.architectures import SUBJECTS, hidden, llama

from titer.methods.attacks.prompting.ablated_prefill import AblatedPrefill
from titer.methods.attacks.weight_edits._activations import ActivationReader, differences_between_blocks, interpolated
from titer.methods.attacks.weight_edits._refusal_direction import choose, choose_several, orthonormal
from titer.methods.attacks.weight_edits.ablation_kernel import AblationKernel
from titer.methods.attacks.weight_edits.multi_direction import MultiDirection
from titer.methods.attacks.weight_edits.refusal_ablation import RefusalAblation
from titer.methods.base import Attack
from titer.models.chat_format import encode_prompt
from titer.models.modules import blocks, weaken, writers
from titer.models.subject import Subject
from titer.records import Frame
from titer.testing import check_attack, same, tiny_material, tiny_subject, weights

LOOSE = {"kl": 1e3, "prune": 0.0}
"""No candidate changes too much."""


@pytest.mark.parametrize(
    "attack",
    [
        MultiDirection(),
        MultiDirection(source="singular", directions=2),
        AblatedPrefill(opening="it is a"),
        AblationKernel(),
        AblationKernel(layer=None, keep_norms="columns"),
        AblationKernel(keep_norms="none"),
    ],
)
def test_conformance(attack: Attack) -> None:
    check_attack(attack)


# ---------------------------------------------------------------------------------------------------- several
@pytest.mark.parametrize("source", ["candidates", "singular"])
@pytest.mark.parametrize("make", SUBJECTS)
def test_nothing_is_written_in_any_of_several_erased_directions(make: Callable[[], Subject], source: str) -> None:
    subject, material = make(), tiny_material()
    attack = MultiDirection.model_validate({**LOOSE, "source": source, "directions": 3})
    before = weights(subject)
    chosen = choose_several(subject, material, attack.criteria(), 4, most=attack.directions, source=attack.source)
    units = torch.stack(chosen.directions)
    assert same(before, weights(subject))
    torch.testing.assert_close(units @ units.T, torch.eye(len(units), dtype=torch.float64))
    assert max(float((h.double() @ units.T).abs().max()) for h in hidden(subject)) > 0.1
    (step,) = attack.steps(subject, material, 1, 4)
    assert step.terms["directions"] == len(units) <= 3
    assert len(units) > 1 or make is tiny_subject, "of which one candidate alone makes the first token less likely"
    assert max(float((h.double() @ units.T).abs().max()) for h in hidden(subject)) < 1e-4


def test_one_direction_of_several_is_that_of_refusal_ablation() -> None:
    one, other = llama(), llama()
    list(RefusalAblation().steps(one, tiny_material(), 1, 4))
    list(MultiDirection(directions=1).steps(other, tiny_material(), 1, 4))
    assert all(torch.allclose(w, weights(other)[name], atol=1e-6) for name, w in weights(one).items())


def test_where_no_candidate_is_admitted_several_are_erased_all_the_same() -> None:
    several, one = llama(), llama()
    (step,) = MultiDirection(kl=1e-9, loose_kl=1e3, induce=1e3).steps(several, tiny_material(), 1, 4)
    assert step.terms["admitted"] == 0
    assert step.terms["directions"] > 1
    list(RefusalAblation(kl=1e-9, loose_kl=1e3, induce=1e3).steps(one, tiny_material(), 1, 4))
    assert not same(weights(several), weights(one))


def test_what_several_directions_do_is_told_of_all_of_them_together() -> None:
    subject, material = llama(), tiny_material()
    attack = MultiDirection.model_validate(LOOSE)
    one = choose(subject, material, attack.criteria(), 4).best
    first, all_three = (
        choose_several(subject, material, attack.criteria(), 4, most=most, source="candidates") for most in (1, 3)
    )
    assert one is not None
    assert first.best is not None
    assert (first.best.refusal, first.best.kl) == pytest.approx((one.refusal, one.kl), abs=1e-6)
    assert len(all_three.directions) == 3
    assert all_three.best is not None
    assert all_three.best.kl != pytest.approx(one.kl, abs=1e-3)


def test_the_first_singular_direction_takes_most_of_the_per_prompt_differences() -> None:
    subject, material = llama(), tiny_material()
    attack = MultiDirection.model_validate({**LOOSE, "source": "singular", "directions": 16})
    chosen = choose_several(subject, material, attack.criteria(), 4, most=attack.directions, source=attack.source)
    (direction,) = choose(subject, material, attack.criteria(), 4).directions
    assert chosen.best is not None
    assert chosen.best.direction == pytest.approx(direction)
    shares = (torch.stack(chosen.directions) @ direction).abs() / direction.norm()
    assert float((shares**2).sum()) == pytest.approx(1, abs=1e-6), "the mean difference lies in their span"
    assert int(shares.argmax()) == 0


def test_states_are_those_of_one_prompt_at_a_time() -> None:
    subject = llama()
    prompts = [encode_prompt(subject.tokenizer, text, Frame()) for text in ("a", "who is there?", "b c")]
    with subject.reading():
        together = ActivationReader(subject, 2).states(prompts, 1, -2)
        alone = [subject.model(torch.tensor([p]), output_hidden_states=True).hidden_states[1][0, -2] for p in prompts]
    torch.testing.assert_close(together.float(), torch.stack(alone), atol=1e-5, rtol=1e-4)


def test_directions_that_are_almost_the_same_are_taken_once() -> None:
    x, y = torch.eye(3, dtype=torch.float64)[:2]
    found = orthonormal([2 * x, x + 0.05 * y, 3 * x + 4 * y, y], 3)
    torch.testing.assert_close(found, torch.stack([x, y]))
    assert len(orthonormal([x, y], 1)) == 1
    assert math.isclose(float(found.norm()) ** 2, 2)


# ---------------------------------------------------------------------------------------------------- a kernel
EVERYWHERE = AblationKernel(attention_floor=1.0, attention_width=1.0, mlp_floor=1.0, mlp_width=1.0, keep_norms="none")
"""Strength 1 in every block."""


def written(subject: Subject) -> list[torch.Tensor]:
    """What the attention and the feed-forward part of every block write."""
    kept: list[torch.Tensor] = []
    handles = [
        part.register_forward_hook(lambda module, args, output: kept.append(output.double()))
        for part in writers(subject.model).linears.values()
    ]
    hidden(subject)
    for handle in handles:
        handle.remove()
    return kept


@pytest.mark.parametrize("make", SUBJECTS)
def test_at_strength_1_no_block_writes_in_the_direction(make: Callable[[], Subject]) -> None:
    subject, material = make(), tiny_material()
    units, tokens = differences_between_blocks(subject, material, 128, 32, 4)
    direction = interpolated(units, 0.6 * (len(units) - 1))
    assert max(float((h @ direction).abs().max()) for h in written(subject)) > 0.1
    embeddings = weights(subject)
    (step,) = EVERYWHERE.steps(subject, material, 1, 4)
    assert max(float((h @ direction / direction.norm()).abs().max()) for h in written(subject)) < 1e-4
    assert (step.spent.tokens, step.terms["edited"]) == (tokens, 2 * len(blocks(subject.model)[1]))
    edited = set(writers(subject.model).linears)
    moved = {n.rpartition(".")[0] for n, w in weights(subject).items() if not torch.equal(w, embeddings[n])}
    assert moved == edited


def test_each_block_may_have_the_direction_behind_it() -> None:
    subject, material = llama(), tiny_material()
    units, _ = differences_between_blocks(subject, material, 128, 32, 4)
    list(EVERYWHERE.model_copy(update={"layer": None}).steps(subject, material, 1, 4))
    assert len(units) == 2
    for place, output in enumerate(written(subject)):
        own = units[min(place // 2, 1)]
        assert float((output @ own).abs().max()) < 1e-4
        assert float((output @ units[1 - min(place // 2, 1)]).abs().max()) > 1e-2


def test_a_strength_falls_from_its_peak_to_its_floor_and_is_nothing_beyond() -> None:
    kernel = AblationKernel(attention_peak=1.5, attention_position=0.5, attention_floor=1 / 3, attention_width=0.2)
    found = [kernel.strengths(block, 11)[0] for block in range(11)]
    expected = [0.0, 0.0, 0.0, 0.5 + 2 / 22, 0.5 + 12 / 22, 1.5, 0.5 + 12 / 22, 0.5 + 2 / 22, 0.0, 0.0, 0.0]
    assert found == pytest.approx(expected)
    assert AblationKernel(mlp_peak=0.0, mlp_floor=0.5).strengths(1, 3)[1] == 0, "the floor is a share of the peak"


def test_half_a_strength_leaves_half_of_what_was_written() -> None:
    subject, unit = llama(), torch.eye(16, dtype=torch.float64)[3]
    module = next(iter(writers(subject.model).linears.values()))
    matrix = module.get_parameter("weight")
    before = matrix.detach().clone()
    weaken(module, 5 * unit, 0.5, keep_norms="none")
    torch.testing.assert_close(matrix[3], before[3] / 2)
    assert torch.equal(matrix[[0, 4]], before[[0, 4]])


def test_norms_of_rows_are_kept_of_a_matrix_that_is_weakened_with_rows_of_length_1() -> None:
    subject = llama()
    module = next(iter(writers(subject.model).linears.values()))
    matrix, direction = module.get_parameter("weight").detach(), torch.ones(16, dtype=torch.float64)
    before = matrix.double()
    weaken(module, direction, 1.0, keep_norms="rows")
    torch.testing.assert_close(matrix.double().norm(dim=1), before.norm(dim=1))
    unit, rows = direction / 4, before / before.norm(dim=1, keepdim=True)
    erased = rows - torch.outer(unit, unit @ rows)
    torch.testing.assert_close(
        matrix / matrix.norm(dim=1, keepdim=True), (erased / erased.norm(dim=1, keepdim=True)).float()
    )
    assert AblationKernel().keep_norms == "rows", "as in the source"


def test_norms_of_columns_are_kept_and_the_direction_stays_erased() -> None:
    subject = llama()
    module = next(iter(writers(subject.model).linears.values()))
    matrix, direction = module.get_parameter("weight").detach(), torch.ones(16, dtype=torch.float64)
    before = matrix.clone()
    weaken(module, direction, 1.0, keep_norms="columns")
    torch.testing.assert_close(matrix.norm(dim=0), before.norm(dim=0))
    assert float((direction.float() @ matrix).abs().max()) < 1e-4


def test_between_two_places_directions_are_mixed() -> None:
    units = torch.eye(3, dtype=torch.float64)
    torch.testing.assert_close(interpolated(units, 1.25), torch.tensor([0, 0.75, 0.25], dtype=torch.float64))
    assert torch.equal(interpolated(units, 2), units[2])


def test_a_kernel_without_strength_changes_nothing() -> None:
    subject = llama()
    none = AblationKernel(attention_peak=0.0, mlp_peak=0.0)
    (step,) = none.steps(subject, tiny_material(), 1, 4)
    assert step.terms["edited"] == 0
    assert same(weights(subject), weights(llama()))


# ---------------------------------------------------------------------------------------------------- with a prefill
def test_the_edit_comes_before_the_first_word_and_is_that_of_refusal_ablation() -> None:
    attack, material = AblatedPrefill(opening="it is a"), tiny_material()
    framed = replace(material, frame=attack.frame_at(material.frame, 3))
    ablated, subject = llama(), llama()
    list(RefusalAblation().steps(ablated, material, 1, 4))
    doses = []
    for step in attack.steps(subject, framed, 3, 4):
        assert same(weights(subject), weights(ablated)), "no word is in the prompts by which the direction is found"
        doses.append(step.dose)
    assert doses == [1, 2, 3]
    assert attack.doses((0, 1, 3, 4)) == (1, 3)
    assert attack.frame_at(Frame(), 2).prefill == "it is"
