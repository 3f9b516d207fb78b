"""A certificate bounds every dose of its family of attackers, and says nothing of others."""

from __future__ import annotations

import doctest
import re
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from scipy import linalg, stats
from support import ROOT

from titer.analysis.certificates.least_squares import LeastSquaresHead
from titer.errors import InputError
from titer.stats.tango import FloatArray

DOSES = (0, 1, 2, 3, 10, 100, 1000)


def problem(
    seed: int,
    *,
    reach: float = 0.9,
    shape: tuple[int, int] = (12, 5),
    rank: int | None = None,
    margin: float = 0.3,
) -> LeastSquaresHead:
    """A random problem; `reach` is the largest step times λ_max."""
    generator = np.random.default_rng(seed)
    count, features = shape
    rows = generator.standard_normal((count, features)) * np.geomspace(1, 0.2, features)
    if rank is not None:
        rows = rows[:, :rank] @ generator.standard_normal((rank, features))
    return LeastSquaresHead(
        rows=rows,
        targets=generator.standard_normal(count),
        start=0.3 * generator.standard_normal(features),
        probe=generator.standard_normal((25, features)),
        margin=margin,
        largest_step=reach / float(linalg.eigvalsh(rows.T @ rows / count)[-1]),
    )


def descend(head: LeastSquaresHead, steps: Sequence[float]) -> FloatArray:
    """Plain gradient descent: the outputs at every dose from 0 on, shape [doses, items]."""
    theta, outputs = head.start.copy(), [head.probe @ head.start]
    for step in steps:
        theta = theta - step * head.rows.T @ (head.rows @ theta - head.targets) / len(head.rows)
        outputs.append(head.probe @ theta)
    return np.array(outputs)


def one_direction(*, target: float, probe: float, margin: float, step: float) -> LeastSquaresHead:
    """One feature, one row with feature 1: λ = 1, and the head tends to the target."""
    return LeastSquaresHead(
        rows=np.ones((1, 1)),
        targets=np.array([target]),
        start=np.zeros(1),
        probe=np.array([[probe]]),
        margin=margin,
        largest_step=step,
    )


def two_directions(*, margin: float) -> LeastSquaresHead:
    """A fast mode (λ = 1) that adds 1 to the one item, and a slow one (λ = 1e-4) that takes it away again."""
    return LeastSquaresHead(
        rows=np.sqrt(2) * np.diag([1.0, 0.01]),
        targets=np.sqrt(2) * np.array([1.0, -0.01]),
        start=np.zeros(2),
        probe=np.ones((1, 2)),
        margin=margin,
        largest_step=0.5,
    )


SHAPES = [((12, 5), None), ((12, 5), 2), ((4, 9), None), ((1, 3), None), ((30, 3), None)]


@pytest.mark.parametrize(("shape", "rank"), SHAPES)
@pytest.mark.parametrize("reach", [0.5, 1.0, 1.6, 1.999])
def test_the_closed_form_is_gradient_descent(shape: tuple[int, int], rank: int | None, reach: float) -> None:
    head = problem(1, reach=reach, shape=shape, rank=rank)
    run = descend(head, [head.largest_step] * max(DOSES))
    for dose in DOSES:
        found = head.outputs(dose, head.largest_step)
        np.testing.assert_allclose(found, run[dose], rtol=0, atol=1e-10)
        np.testing.assert_array_equal(found > head.margin, run[dose] > head.margin)


@pytest.mark.parametrize(("shape", "rank"), SHAPES)
def test_the_limit_is_the_solution_nearest_to_the_start(shape: tuple[int, int], rank: int | None) -> None:
    head = problem(2, shape=shape, rank=rank)
    moved, *_ = linalg.lstsq(head.rows, head.targets - head.rows @ head.start, cond=1e-10)
    np.testing.assert_allclose(head.limits(), head.probe @ (head.start + moved), atol=1e-9)
    np.testing.assert_allclose(head.outputs(10**7, head.largest_step), head.limits(), atol=1e-9)


@pytest.mark.parametrize("reach", [0.3, 1.0, 1.5, 1.99])
@pytest.mark.parametrize("seed", range(6))
def test_no_schedule_of_steps_goes_above_the_bounds(seed: int, reach: float) -> None:
    shape, rank = SHAPES[seed % len(SHAPES)]
    head = problem(seed, reach=reach, shape=shape, rank=rank)
    generator = np.random.default_rng(seed)
    schedules = [
        np.ones(300),
        generator.random(300) ** 3,
        np.geomspace(1, 1e-6, 300),
        np.where(np.arange(300) % 7 == 0, 1.0, 0.01),
        np.concatenate([np.ones(1), np.full(299, 1e-9)]),
    ]
    for schedule in schedules:
        run = descend(head, list(head.largest_step * schedule))
        for dose in (0, 1, 2, 5, 40, 300):
            assert np.all(run[dose] <= head.highest_outputs(dose) + 1e-12)
            assert np.count_nonzero(run[dose] > head.margin) <= head.harmful_at(dose) <= head.harmful_ever()
        assert np.all(run <= head.highest_outputs_ever + 1e-12)


@pytest.mark.parametrize("reach", [0.4, 1.7])
def test_bounds_begin_at_dose_0_and_grow_to_the_one_for_every_dose(reach: float) -> None:
    head = problem(3, reach=reach)
    np.testing.assert_allclose(head.highest_outputs(0), head.probe @ head.start, atol=1e-15)
    bounds = np.array([head.highest_outputs(dose) for dose in (0, 1, 2, 4, 8, 100, 10**6, 10**12)])
    assert np.all(np.diff(bounds, axis=0) >= -1e-14)
    assert np.all(bounds[-1] <= head.highest_outputs_ever)
    assert np.all(head.limits() <= head.highest_outputs_ever + 1e-12)
    assert head.rate_at(10**12) <= head.harmful_ever() / head.items


Rational = list[Fraction]


def rational(values: FloatArray) -> Rational:
    return [Fraction(float(value)) for value in values]


def dot(first: Rational, second: Rational) -> Fraction:
    return sum((a * b for a, b in zip(first, second, strict=True)), Fraction(0))


def solved(matrix: list[Rational], right: Rational) -> Rational:
    """Gauss-Jordan elimination in rational numbers."""
    table = [[*row, value] for row, value in zip(matrix, right, strict=True)]
    for i in range(len(table)):
        pivot = next(k for k in range(i, len(table)) if table[k][i])
        table[i], table[pivot] = table[pivot], table[i]
        table[i] = [value / table[i][i] for value in table[i]]
        for k, row in enumerate(table):
            if k != i:
                table[k] = [value - row[i] * own for value, own in zip(row, table[i], strict=True)]
    return [row[-1] for row in table]


def test_gradient_descent_in_rational_numbers_agrees_in_every_item() -> None:
    head = LeastSquaresHead(
        rows=np.array([[2.0, 1.0], [1.0, 0.0], [0.0, 1.0]]),
        targets=np.array([3.0, -1.0, 2.0]),
        start=np.array([1.0, -1.0]),
        probe=np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0], [-1.0, 2.0], [1.0, -2.0], [0.0, 0.0]]),
        margin=0.5,
        largest_step=0.375,
    )
    rows, targets, theta = [rational(row) for row in head.rows], rational(head.targets), rational(head.start)
    ever = set()
    for dose in range(25):
        harmful = {i for i, item in enumerate(head.probe) if dot(rational(item), theta) > Fraction(1, 2)}
        assert set(np.flatnonzero(head.outputs(dose, 0.375) > head.margin)) == harmful
        assert len(harmful) <= head.harmful_at(dose)
        ever |= harmful
        errors = [dot(row, theta) - target for row, target in zip(rows, targets, strict=True)]
        slopes = [dot(list(column), errors) / 3 for column in zip(*rows, strict=True)]
        theta = [value - Fraction(3, 8) * slope for value, slope in zip(theta, slopes, strict=True)]
    assert 0 < len(ever) <= head.harmful_ever() < head.items


@pytest.mark.parametrize("smallest", [1e-1, 1e-3, 1e-5])
@pytest.mark.parametrize("seed", range(3))
def test_the_allowance_for_rounding_covers_the_exact_limit(seed: int, smallest: float) -> None:
    """Rows with two pairs of equal singular values, their ratio the condition number: modes are not unique."""
    generator = np.random.default_rng(seed)
    left, _ = linalg.qr(generator.standard_normal((8, 4)), mode="economic")
    right, _ = linalg.qr(generator.standard_normal((4, 4)))
    head = LeastSquaresHead(
        rows=left @ np.diag([1.0, 1.0, smallest, smallest]) @ right,
        targets=generator.standard_normal(8),
        start=generator.standard_normal(4),
        probe=generator.standard_normal((20, 4)),
        margin=0.0,
        largest_step=7.0,
    )
    columns, targets = [rational(column) for column in head.rows.T], rational(head.targets)
    normal = [[dot(first, second) for second in columns] for first in columns]
    theta = solved(normal, [dot(column, targets) for column in columns])
    exact = np.array([float(dot(rational(item), theta)) for item in head.probe])
    moved = np.abs(head.limits() - exact)
    assert moved.max() > 0
    assert np.all(moved <= head.rounding)


def test_harm_that_comes_and_goes_is_not_missed() -> None:
    """Dose 0 and the limit are harmless, a dose between is not; the bound is what the run comes near to."""
    head = two_directions(margin=0.5)
    run = descend(head, [0.5] * 20_000)[:, 0]
    assert run[0] == 0
    assert head.limits()[0] == pytest.approx(0, abs=1e-12)
    assert run.max() == pytest.approx(head.highest_outputs_ever[0], abs=2e-3)
    assert head.highest_outputs_ever[0] == pytest.approx(1)
    assert not head.holds(0.5)
    assert head.reason(0.5).startswith("not proved: up to 1 of 1 items")
    assert two_directions(margin=1.001).holds(0.5)


def test_a_step_that_overshoots_reaches_its_bound_at_dose_1() -> None:
    head = one_direction(target=1.0, probe=1.0, margin=1.5, step=1.8)
    assert descend(head, [1.8])[1, 0] == pytest.approx(1.8)
    assert head.highest_outputs(1)[0] == head.highest_outputs_ever[0] == pytest.approx(1.8)
    assert head.limits()[0] == pytest.approx(1)
    assert not head.holds(0.5)
    assert one_direction(target=1.0, probe=1.0, margin=1.5, step=1.4).holds(0.5)


@pytest.mark.parametrize("excess", [0.0, 1e-9, 1.0])
def test_from_twice_the_inverse_curvature_on_there_is_no_proof(excess: float) -> None:
    with pytest.raises(InputError, match="2/λ_max"):
        one_direction(target=1.0, probe=1.0, margin=3.0, step=2 + excess)
    with pytest.raises(InputError, match="2/λ_max"):
        one_direction(target=1.0, probe=1.0, margin=3.0, step=1.0).outputs(5, 2 + excess)


def test_just_below_the_boundary_the_bound_still_holds() -> None:
    head = one_direction(target=1.0, probe=1.0, margin=3.0, step=2 - 1e-9)
    run = descend(head, [head.largest_step] * 5000)
    assert run.max() <= head.highest_outputs_ever[0]
    np.testing.assert_allclose(run[:, 0], 1 - (-1 + 1e-9) ** np.arange(5001.0), atol=1e-9)
    assert head.holds(0.1)


def removed(scale: float, *, margin: float = 0.5) -> LeastSquaresHead:
    """Harmful rows and items share direction 0, which a defense multiplies by `scale`; the rest is noise."""
    generator = np.random.default_rng(0)
    features = np.column_stack([np.ones(300), 0.3 * generator.standard_normal((300, 3))])
    kept = features * np.array([scale, 1, 1, 1])
    return LeastSquaresHead(
        rows=kept[:200],
        targets=np.ones(200),
        start=np.zeros(4),
        probe=kept[200:],
        margin=margin,
        largest_step=0.5,
    )


def test_removed_features_are_certified_and_scaled_ones_are_not() -> None:
    """A run of 10,000 steps tells neither from the other: only the certificate does."""
    gone, scaled = removed(0.0), removed(0.005)
    for head in (gone, scaled):
        assert not np.any(descend(head, [0.5] * 10_000) > head.margin)
    assert gone.holds(0.01)
    assert gone.reason(0.01).startswith("at every dose at most 0 of 100 items")
    strong = gone.verdict(0.01)
    assert strong.startswith("strong, for this alone: a linear head")
    assert all(part in strong for part in (gone.statement.trained, gone.statement.optimizer, gone.reason(0.01)))
    assert not scaled.holds(0.99)
    assert scaled.reason(0.99).startswith("in the limit of a constant step 100 of 100 items")
    assert np.all(scaled.outputs(200_000, 0.5) > scaled.margin)
    assert scaled.harmful_at(1000) == 0
    assert scaled.rate_at(200_000) == 1


def test_items_without_features_are_never_answered_whatever_the_rows() -> None:
    head = problem(4)
    empty = replace(head, targets=head.targets * 1e6, probe=np.zeros_like(head.probe), margin=0.0)
    assert empty.holds(0.001)
    assert replace(empty, margin=-0.1).reason(0.999).startswith("at dose 0 25 of 25 items")


def test_rows_without_features_move_nothing() -> None:
    still = replace(problem(5), rows=np.zeros((12, 5)), largest_step=1e6)
    before = still.probe @ still.start
    np.testing.assert_array_equal(still.highest_outputs_ever, before)
    np.testing.assert_array_equal(still.outputs(1000, 1e6), before)
    assert still.harmful_ever() == np.count_nonzero(before > still.margin)


def test_what_rounding_could_hide_counts_as_harmful() -> None:
    """An output that tends to the margin from below, and items that are orthogonal to the rows but for rounding."""
    assert not one_direction(target=1.0, probe=1.0, margin=1.0, step=0.5).holds(0.5)
    assert one_direction(target=1.0, probe=1.0, margin=1 + 1e-9, step=0.5).holds(0.5)
    head = problem(6, shape=(3, 5))
    orthogonal = np.ascontiguousarray(linalg.null_space(head.rows).T)
    still = replace(head, start=np.zeros(5), probe=orthogonal, margin=0.0)
    assert 0 < np.max(np.abs(orthogonal @ head.rows.T)) < 1e-14
    assert still.harmful_ever() == still.items
    assert still.reason(0.5).startswith("not proved")
    assert replace(still, margin=1e-9).holds(0.01)


@pytest.mark.parametrize("threshold", [0.05, 0.1, 0.2])
def test_holds_is_about_the_items_and_intact_about_the_domain(threshold: float) -> None:
    """Of 60 items k have the feature that the rows have, the others none: k are answered sooner or later."""
    one = one_direction(target=1.0, probe=1.0, margin=0.5, step=0.5)
    for count in range(16):
        head = replace(one, probe=np.array([[1.0]] * count + [[0.0]] * (60 - count)))
        assert (head.harmful_at(0), head.harmful_at(50), head.harmful_ever()) == (0, count, count)
        assert head.rate_at(50) == count / 60
        assert head.holds(threshold) == (count <= threshold * 60)
        assert head.intact(threshold, 0.05) == (stats.binom.cdf(count, 60, threshold) <= 0.05)


def test_a_proof_about_few_items_shows_little_about_the_domain() -> None:
    head = one_direction(target=1.0, probe=0.0, margin=0.5, step=1.0)
    assert head.holds(0.1)
    assert not head.intact(0.1, 0.05)
    assert removed(0.0).intact(0.1, 0.05)


def test_a_network_whose_features_are_trained_too_is_another_subject() -> None:
    """Two directions are one in the data; the defense zeroes direction 0 in the first layer only."""
    layer, theta = np.diag([0.0, 1.0]), np.array([1.0, 0.0])
    inputs, targets, probe = np.array([[1.0, 0.0], [0.0, 1.0]]), np.array([1.0, 0.0]), np.array([[1.0, 0.0]])
    head = LeastSquaresHead(
        rows=inputs @ layer.T, targets=targets, start=theta, probe=probe @ layer.T, margin=0.5, largest_step=0.5
    )
    assert head.holds(0.1)
    for _ in range(100):
        errors = (inputs @ layer.T @ theta - targets) / len(targets)
        theta, layer = (
            theta - 0.5 * (errors @ inputs @ layer.T),
            layer - 0.5 * np.outer(theta, errors @ inputs),
        )
    assert (probe @ layer.T @ theta)[0] > head.margin


def test_other_attackers_break_what_is_certified_for_gradient_descent() -> None:
    """Steps along the signs of the gradient, what Adam's first steps are; and gradient descent with an intercept."""
    rows, targets, probe = np.array([[2.0, 1.0]]), np.array([1.0]), np.array([[-1.0, 2.0]])
    head = LeastSquaresHead(rows=rows, targets=targets, start=np.zeros(2), probe=probe, margin=0.1, largest_step=0.3)
    assert head.holds(0.1)
    theta = np.zeros(2)
    for _ in range(20):
        theta -= 0.02 * np.sign(rows.T @ (rows @ theta - targets))
    assert (probe @ theta)[0] > head.margin
    intercept = replace(head, rows=np.array([[2.0, 1.0, 1.0]]), start=np.zeros(3), probe=np.array([[-1.0, 2.0, 1.0]]))
    assert descend(intercept, [0.3] * 50).max() > head.margin
    assert not intercept.holds(0.1)


def test_a_step_beyond_the_range_breaks_what_is_certified_within() -> None:
    head = one_direction(target=-1.0, probe=1.0, margin=0.5, step=0.9)
    assert head.holds(0.1)
    assert descend(head, [2.1] * 20).max() > head.margin


def test_the_statement_names_every_assumption_and_can_be_recorded() -> None:
    head = problem(8)
    statement = head.statement
    assert type(statement).from_json(statement.to_json()) == statement
    assert f"{head.largest_step:g}" in statement.step_sizes
    assert "momentum" in statement.optimizer
    assert "12 rows" in statement.optimizer
    assert "25 items" in statement.bounded
    assert all(statement.to_data().values())


GOOD = LeastSquaresHead(
    rows=np.eye(2), targets=np.ones(2), start=np.zeros(2), probe=np.ones((1, 2)), margin=0.5, largest_step=0.5
)
BAD: list[tuple[str, dict[str, Any]]] = [
    ("rows", {"rows": np.zeros((0, 2))}),
    ("rows", {"rows": np.ones(2)}),
    ("rows", {"rows": np.eye(2, dtype=np.float32)}),
    ("targets", {"targets": np.ones(3)}),
    ("targets", {"targets": np.array([np.inf, 0.0])}),
    ("start", {"start": np.ones(3)}),
    ("start", {"start": np.array([np.nan, 1.0])}),
    ("probe", {"probe": np.zeros((0, 2))}),
    ("probe", {"probe": np.ones((4, 3))}),
    ("margin", {"margin": float("nan")}),
    ("largest_step", {"largest_step": 0.0}),
    ("largest_step", {"largest_step": float("nan")}),
]


@pytest.mark.parametrize(("place", "change"), BAD)
def test_what_cannot_be_certified_is_an_error(place: str, change: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=rf"certificate\.{place}"):
        replace(GOOD, **change)


def test_a_negative_dose_is_an_error() -> None:
    for at in (GOOD.harmful_at, GOOD.highest_outputs, GOOD.rate_at):
        with pytest.raises(InputError, match="negative"):
            at(-1)
    with pytest.raises(InputError, match="negative"):
        GOOD.outputs(-1, 0.5)


def test_the_example_of_the_documentation_is_true() -> None:
    page = ROOT / "docs" / "concepts" / "certificates.md"
    blocks = re.findall(r"```pycon\n(.*?)```", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    example = doctest.DocTestParser().get_doctest("".join(blocks), {}, page.name, str(page), 0)
    assert len(example.examples) > 5
    assert doctest.DocTestRunner().run(example).failed == 0
