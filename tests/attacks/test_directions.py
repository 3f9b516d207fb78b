"""Refusal ablation beyond one direction erased everywhere: several, by a kernel over the blocks, and with a prefill."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from architectures import SUBJECTS, hidden, llama

from titer.attacks.multi_direction import MultiDirection
from titer.attacks.refusal_ablation import RefusalAblation
from titer.chat import encode_prompt
from titer.direction import choose, choose_several, orthonormal
from titer.interfaces import Attack
from titer.reader import Reader
from titer.records import Frame
from titer.subject import Subject
from titer.testing import check_attack, same, tiny_material, weights

LOOSE = {"kl": 1e3, "induce": -1e3, "prune": 0.0}
"""Every candidate is admitted."""


@pytest.mark.parametrize("attack", [MultiDirection(), MultiDirection(source="singular", directions=2)])
def test_conformance(attack: Attack) -> None:
    check_attack(attack)


# ---------------------------------------------------------------------------------------------------- several
@pytest.mark.parametrize("source", ["candidates", "singular"])
@pytest.mark.parametrize("make", SUBJECTS)
def test_nothing_is_written_in_any_of_several_erased_directions(make: Callable[[], Subject], source: str) -> None:
    subject, material = make(), tiny_material()
    attack = MultiDirection.model_validate({**LOOSE, "source": source, "directions": 3})
    before = weights(subject)
    _, units = choose_several(subject, material, attack, 4)
    assert same(before, weights(subject))
    torch.testing.assert_close(units @ units.T, torch.eye(len(units), dtype=torch.float64))
    assert max(float((h.double() @ units.T).abs().max()) for h in hidden(subject)) > 0.1
    (step,) = attack.steps(subject, material, 1, 4)
    assert 1 < step.terms["directions"] == len(units) <= 3
    assert max(float((h.double() @ units.T).abs().max()) for h in hidden(subject)) < 1e-4


def test_one_direction_of_several_is_that_of_refusal_ablation() -> None:
    one, other = llama(), llama()
    list(RefusalAblation().steps(one, tiny_material(), 1, 4))
    list(MultiDirection(directions=1).steps(other, tiny_material(), 1, 4))
    assert all(torch.allclose(w, weights(other)[name], atol=1e-6) for name, w in weights(one).items())


def test_where_no_candidate_is_admitted_the_best_one_is_erased_alone() -> None:
    (step,) = MultiDirection(induce=1e3, directions=3).steps(llama(), tiny_material(), 1, 4)
    assert (step.terms["admitted"], step.terms["directions"]) == (0, 1)


def test_the_first_singular_direction_takes_most_of_the_per_prompt_differences() -> None:
    subject, material = llama(), tiny_material()
    attack = MultiDirection.model_validate({**LOOSE, "source": "singular", "directions": 16})
    best, units = choose_several(subject, material, attack, 4)
    assert best.direction == pytest.approx(choose(subject, material, attack, 4).direction)
    shares = (units @ best.direction).abs() / best.direction.norm()
    assert float((shares**2).sum()) == pytest.approx(1, abs=1e-6), "the mean difference lies in their span"
    assert int(shares.argmax()) == 0


def test_states_are_those_of_one_prompt_at_a_time() -> None:
    subject = llama()
    prompts = [encode_prompt(subject.tokenizer, text, Frame()) for text in ("a", "who is there?", "b c")]
    with subject.reading():
        together = Reader(subject, 2).states(prompts, 1, -2)
        alone = [subject.model(torch.tensor([p]), output_hidden_states=True).hidden_states[1][0, -2] for p in prompts]
    torch.testing.assert_close(together.float(), torch.stack(alone), atol=1e-5, rtol=1e-4)


def test_directions_that_are_almost_the_same_are_taken_once() -> None:
    x, y = torch.eye(3, dtype=torch.float64)[:2]
    found = orthonormal([2 * x, x + 0.05 * y, 3 * x + 4 * y, y], 3)
    torch.testing.assert_close(found, torch.stack([x, y]))
    assert len(orthonormal([x, y], 1)) == 1
    assert math.isclose(float(found.norm()) ** 2, 2)
