"""Immunization by the condition number: what it slows down, what it leaves as it was, and who walks around it."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from scipy import linalg, optimize

from titer.analysis.certificates.condition_number import condition_number, ill, immunizing_map, well
from titer.analysis.certificates.least_squares import LeastSquaresHead
from titer.errors import InputError
from titer.stats.tango import FloatArray

Term = Callable[[FloatArray], tuple[float, FloatArray]]

HARMFUL = np.array([0.5, 0.8, 1.0, 1.2])
"""How long the directions of harmful features are; benign ones have the same lengths the other way round."""
SLOWEST, FASTEST = 0, 3


def features(count: int, lengths: FloatArray, seed: int) -> FloatArray:
    return np.random.default_rng(seed).standard_normal((count, len(lengths))) * lengths


ROWS, PROBE, BENIGN = features(400, HARMFUL, 0), features(100, HARMFUL, 1), features(400, HARMFUL[::-1], 2)


def head(released: FloatArray, signal: int) -> LeastSquaresHead:
    """An attacker who learns one of the original features from those released, at steps of 1/λ_max.

    An item is harmful when the head tells the sign of its feature, and by how much.
    """
    rows = ROWS @ released
    return LeastSquaresHead(
        rows=rows,
        targets=ROWS[:, signal],
        start=np.zeros(len(HARMFUL)),
        probe=np.sign(PROBE[:, [signal]]) * (PROBE @ released),
        margin=0.2,
        largest_step=1 / float(linalg.eigvalsh(rows.T @ rows / len(rows))[-1]),
    )


@pytest.fixture(scope="module")
def released() -> FloatArray:
    return immunizing_map(ROWS, BENIGN)


def test_the_terms_have_the_values_worked_out_by_hand() -> None:
    three = np.diag([1.0, 2.0, 3.0])
    assert well(three)[0] == pytest.approx(9 / 2 - 14 / 6)
    assert ill(three)[0] == pytest.approx(1 / (14 / 6 - 1 / 2))
    np.testing.assert_allclose(np.diag(well(three)[1]), [-1 / 3, -2 / 3, 3 - 1], atol=1e-12)
    assert well(2 * np.eye(3))[0] == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("term", [well, ill])
def test_a_gradient_is_that_of_differences(term: Term) -> None:
    root = np.random.default_rng(3).standard_normal((6, 4))
    gram, size = root.T @ root, 4

    def along(flat: FloatArray) -> float:
        change = flat.reshape(size, size)
        return term(gram + (change + change.T) / 2)[0]

    expected = optimize.approx_fprime(np.zeros(size * size), along, 1e-6).reshape(size, size)
    np.testing.assert_allclose(term(gram)[1], expected, rtol=1e-4, atol=1e-8)


def test_equal_directions_have_no_slow_one() -> None:
    with pytest.raises(InputError, match="equally long"):
        ill(3 * np.eye(4))


@pytest.mark.parametrize(("kappa", "steps"), [(10, 21.9), (100, 229.1), (1000, 2301.4)])
def test_the_slowest_direction_takes_about_that_many_steps(kappa: float, steps: float) -> None:
    rows = np.diag(np.sqrt([1.0, 1 / kappa])) * math.sqrt(2)
    assert condition_number(rows) == pytest.approx(kappa)
    slow = LeastSquaresHead(
        rows=rows, targets=rows @ [0.0, 1.0], start=np.zeros(2), probe=np.array([[0.0, 1.0]]), margin=0.9,
        largest_step=1.0,
    )  # fmt: skip
    assert [slow.harmful_at(dose) for dose in (math.floor(steps), math.ceil(steps))] == [0, 1]


def test_a_direction_in_no_row_makes_the_condition_number_infinite() -> None:
    assert condition_number(np.column_stack([ROWS, np.zeros(len(ROWS))])) == math.inf
    assert condition_number(ROWS[:3]) == math.inf


def test_harmful_features_become_ill_conditioned_and_benign_ones_do_not(released: FloatArray) -> None:
    assert condition_number(ROWS @ released) > 4 * condition_number(ROWS)
    assert condition_number(BENIGN @ released) <= condition_number(BENIGN)


def test_what_a_benign_head_can_say_stays_the_same(released: FloatArray) -> None:
    wanted = BENIGN @ [1.0, -2.0, 0.5, 1.0] + np.random.default_rng(4).standard_normal(len(BENIGN))
    before, after = (rows @ np.linalg.lstsq(rows, wanted)[0] for rows in (BENIGN, BENIGN @ released))
    np.testing.assert_allclose(after, before, atol=1e-10)


def test_it_buys_doses_along_slow_directions_and_none_along_fast_ones(released: FloatArray) -> None:
    plain = np.eye(len(HARMFUL))
    slow, fast = ([head(own, signal) for own in (plain, released)] for signal in (SLOWEST, FASTEST))
    assert slow[1].harmful_at(3) < 20 < slow[0].harmful_at(3)
    assert fast[1].harmful_at(1) > 80 < fast[0].harmful_at(1)
    assert slow[1].harmful_ever() == slow[0].harmful_ever() > 60, "no dose is none"
    assert slow[1].verdict(0.2).startswith("not shown to be strong: in the limit")


@pytest.mark.parametrize("dose", [0, 1, 3, 10, 100])
def test_no_descent_with_smaller_steps_is_above_the_bound(dose: int, released: FloatArray) -> None:
    certificate, generator = head(released, SLOWEST), np.random.default_rng(dose)
    theta = certificate.start.copy()
    for step in generator.uniform(0, certificate.largest_step, dose):
        theta -= step * certificate.rows.T @ (certificate.rows @ theta - certificate.targets) / len(certificate.rows)
    assert np.all(certificate.probe @ theta <= certificate.highest_outputs(dose) + certificate.rounding)


def test_whitening_takes_it_away(released: FloatArray) -> None:
    gram = (ROWS @ released).T @ (ROWS @ released) / len(ROWS)
    whitening = linalg.inv(linalg.cholesky(gram))
    assert condition_number(ROWS @ released @ whitening) == pytest.approx(1)
    whitened = head(released @ whitening, SLOWEST)
    np.testing.assert_allclose(whitened.outputs(1, whitened.largest_step), head(released, SLOWEST).limits(), atol=1e-9)


@pytest.mark.parametrize(
    ("harmful", "benign", "message"),
    [
        (ROWS, BENIGN[:, :3], "benign: there are 3 features, and 4 harmful ones"),
        (ROWS[:3], BENIGN, "harmful: its 3 rows do not span the 4 features"),
        (ROWS, np.column_stack([BENIGN[:, :3], np.zeros(400)]), "benign: its 400 rows do not span"),
    ],
)
def test_features_that_it_cannot_work_on_are_refused(harmful: FloatArray, benign: FloatArray, message: str) -> None:
    with pytest.raises(InputError, match=message):
        immunizing_map(harmful, benign)
