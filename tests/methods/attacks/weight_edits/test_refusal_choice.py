"""Which of the candidates for a refusal direction is erased: by what erasing it does, under two limits."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from support.architectures import llama

from titer.errors import MethodFailure
from titer.methods.attacks.weight_edits._activations import ActivationReader
from titer.methods.attacks.weight_edits._refusal_choice import Candidate, ranked
from titer.methods.attacks.weight_edits._refusal_direction import Effects, choose
from titer.methods.attacks.weight_edits._refusal_prompts import draw_prompts, shared_end
from titer.methods.attacks.weight_edits.refusal_ablation import RefusalAblation
from titer.testing import tiny_material


def candidate(name: int, *, refusal: float, kl: float, induced: float = -9.0) -> Candidate:
    """One of a subject that refuses harmful prompts at log odds of 6; `name` is its block."""
    unit = torch.ones(1, dtype=torch.float64)
    return Candidate(direction=unit, block=name, position=-1, before=6.0, refusal=refusal, kl=kl, induced=induced)


def order(*found: Candidate, **limits: Any) -> list[int]:
    return [one.block for one in ranked(found, RefusalAblation.model_validate(limits).criteria())]


def test_a_direction_that_leaves_refusals_as_they_are_is_not_preferred_for_changing_little() -> None:
    useless, useful = candidate(1, refusal=2.5, kl=0.02), candidate(2, refusal=-4.0, kl=0.33)
    assert order(useless, useful) == [2, 1]
    assert order(useless, useful, loose_kl=0.1) == [1], "the one that lowers the odds most, where none does more"


def test_within_the_strict_limit_the_lowest_log_odds_decide() -> None:
    found = candidate(1, refusal=-1.0, kl=0.01), candidate(2, refusal=-3.0, kl=0.09), candidate(3, refusal=-8.0, kl=0.4)
    assert order(*found) == [2, 1, 3]
    assert order(*found, kl=0.5) == [3, 2, 1]


def test_whether_it_induces_refusals_is_asked_only_where_a_limit_is_given() -> None:
    thin, deep = candidate(1, refusal=-5.0, kl=0.05, induced=-3.0), candidate(2, refusal=-1.0, kl=0.05, induced=1.0)
    assert order(thin, deep) == [1, 2]
    assert order(thin, deep, induce=0.0) == [2, 1]


@pytest.mark.parametrize("only", [candidate(1, refusal=6.5, kl=0.01), candidate(1, refusal=-5.0, kl=2.0)])
def test_where_nothing_is_of_use_nothing_is_chosen(only: Candidate) -> None:
    assert order(only) == []
    assert order() == []


@pytest.mark.parametrize(
    "unknown",
    [
        candidate(1, refusal=math.nan, kl=0.05),
        candidate(1, refusal=-5.0, kl=math.nan),
        candidate(1, refusal=-5.0, kl=0.05, induced=math.nan),
    ],
)
def test_a_direction_of_which_nothing_is_known_is_not_one_of_no_use(unknown: Candidate) -> None:
    assert order(unknown, candidate(2, refusal=1.0, kl=0.4)) == [2]
    with pytest.raises(MethodFailure, match="what erasing directions does is not finite at step 1"):
        order(unknown, candidate(2, refusal=6.5, kl=0.01))


def test_the_log_odds_before_and_after_are_those_of_the_subject_and_of_the_edited_one() -> None:
    subject, material, attack = llama(), tiny_material(), RefusalAblation(loose_kl=1e3)
    criteria = attack.criteria()

    def drawn() -> Effects:
        reader = ActivationReader(subject, 4)
        return Effects(reader, draw_prompts(reader, material, prompts=128, select=32, openings=(), seed=4))

    with subject.reading():
        effects = drawn()
        before, unchanged = effects.unchanged()
    chosen = choose(subject, material, criteria, 4).best
    (step,) = attack.steps(subject, material, 1, 4)
    assert chosen is not None
    with subject.reading():
        after, _ = effects.unchanged()
        assert effects.erasing([], unchanged)[1] == pytest.approx(chosen.kl, abs=1e-4)
    assert (step.terms["before"], step.terms["refusal"]) == pytest.approx((before, after), abs=1e-4)
    assert after < before


def test_every_token_that_all_prompts_share_at_the_end_is_a_position() -> None:
    prompts = [[1, *range(9, 20)], [2, *range(9, 20)]]
    assert (shared_end(prompts, None), shared_end(prompts, 3)) == (11, 3)
    assert RefusalAblation().positions is None
