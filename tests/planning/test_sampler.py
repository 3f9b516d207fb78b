"""Proposals: the same from the same trials, within the space, and nearer to what was good."""

from __future__ import annotations

import math
from typing import Any

import pytest

from titer.methods.search_space import LogRange, Options, Space
from titer.planning.search.sampler import FinishedTrial, Sampler, propose

SPACE: Space = {
    "lr": LogRange(low=1e-6, high=1e-2),
    "trainable": Options(values=("full", {"kind": "lora", "rank": 8}, {"kind": "lora", "rank": 16})),
}


def loss(values: dict[str, Any]) -> float:
    """Least at a rate of 1e-3 with the second option."""
    wrong = values["trainable"] != {"kind": "lora", "rank": 8}
    return abs(math.log10(float(values["lr"])) + 3) + float(wrong)


def run(sampler: Sampler, trials: int, seed: int = 0, round_size: int = 4) -> list[FinishedTrial]:
    done: list[FinishedTrial] = []
    for number in range(trials):
        known = done[: number // round_size * round_size]
        values = propose(SPACE, known, sampler=sampler, startup=4, seed=seed, number=number)
        done.append(FinishedTrial(values=values, loss=loss(values)))
    return done


@pytest.mark.parametrize("sampler", ["tpe", "random"])
def test_a_proposal_depends_on_space_trials_seed_and_number_alone(sampler: Sampler) -> None:
    first = run(sampler, 12)
    known = first[:8]
    again = propose(SPACE, known, sampler=sampler, startup=4, seed=0, number=9)
    assert again == first[9].values
    assert run(sampler, 12, seed=1) != first
    assert len({str(tried.values) for tried in first[:4]}) == 4


def test_a_trial_outside_the_space_tells_the_sampler_nothing() -> None:
    """As one written by hand may be: a rate beyond the range, or a parameter left to its default."""
    known = run("tpe", 12)
    strange = [
        FinishedTrial(values={"lr": 0.5, "trainable": "full"}, loss=-9.0),
        FinishedTrial(values={"lr": 1e-4}, loss=-9.0),
        FinishedTrial(values={"lr": 1e-4, "trainable": {"kind": "lora", "rank": 4}}, loss=-9.0),
    ]
    proposed = [
        propose(SPACE, found, sampler="tpe", startup=4, seed=0, number=12) for found in (known, known + strange)
    ]
    assert proposed[0] == proposed[1]


def test_a_few_trials_are_drawn_uniformly_whatever_the_sampler() -> None:
    few = run("tpe", 4)
    drawn = [propose(SPACE, few, sampler=sampler, startup=10, seed=0, number=4) for sampler in ("tpe", "random")]
    assert drawn[0] == drawn[1]


def test_values_lie_in_the_space_and_read_as_one_would_write_them() -> None:
    for tried in run("random", 30):
        assert 1e-6 <= tried.values["lr"] <= 1e-2
        assert float(f"{tried.values['lr']:.4g}") == tried.values["lr"]
        assert tried.values["trainable"] in SPACE["trainable"].values  # type: ignore[union-attr]


def test_the_estimator_comes_nearer_to_what_was_good_than_uniform_draws() -> None:
    late = {
        sampler: sum(tried.loss for seed in range(5) for tried in run(sampler, 24, seed)[12:])
        for sampler in ("tpe", "random")
    }
    assert late["tpe"] < 0.75 * late["random"]
