"""Immunization by the condition number: features on which a linear head learns one task slowly, and another one not."""

from __future__ import annotations

import numpy as np
from scipy import linalg, optimize

from titer.errors import InputError
from titer.stats.tango import FloatArray


def condition_number(rows: FloatArray) -> float:
    """κ of X'X: the largest over the smallest eigenvalue, infinite where a direction of the features is in no row.

    Gradient descent on a linear head needs about κ steps to learn what lies along the slowest direction.

    Args:
        rows: features, shape [rows, features].
    """
    values = linalg.svdvals(rows)
    smallest = values[-1] if len(values) == rows.shape[1] else 0.0
    return float((values[0] / smallest) ** 2) if smallest > 0 else float("inf")


def well(gram: FloatArray) -> tuple[float, FloatArray]:
    """R_well = σ_max²/2 - |H|²/(2d) and its gradient: 0 where all eigenvalues are equal, above otherwise.

    Args:
        gram: H, symmetric with no negative eigenvalue, shape [features, features].
    """
    values, vectors = linalg.eigh(gram)
    top, size = vectors[:, -1], len(values)
    value = values[-1] ** 2 / 2 - float(np.sum(values**2)) / (2 * size)
    return float(value), values[-1] * np.outer(top, top) - gram / size


def ill(gram: FloatArray) -> tuple[float, FloatArray]:
    """R_ill = 1/(|H|²/(2d) - σ_min²/2) and its gradient: the lower, the farther σ_min is below the others.

    Args:
        gram: H, as above; its eigenvalues must not all be equal.

    Raises:
        InputError: if they are, so that it has no value.
    """
    values, vectors = linalg.eigh(gram)
    bottom, size = vectors[:, 0], len(values)
    spread = float(np.sum(values**2)) / (2 * size) - values[0] ** 2 / 2
    if not spread > size * np.finfo(np.float64).eps * float(values[-1]) ** 2:
        remedy = "Give features whose directions differ in length."
        raise InputError("harmful", "all directions of the features are equally long", remedy)
    return float(1 / spread), (values[0] * np.outer(bottom, bottom) - gram / size) / spread**2


def immunizing_map(
    harmful: FloatArray,
    benign: FloatArray,
    *,
    well_weight: float = 30.0,
    ill_weight: float = 1.0,
    iterations: int = 200,
) -> FloatArray:
    """The map A that features x are released through, as x A, shape [features, features].

    It minimizes well_weight · R_well(A'PA) + ill_weight · R_ill(A'HA) from A = I by L-BFGS, with P and H the Gram
    matrices of benign and harmful features, each scaled to a mean eigenvalue of 1. A map that can be inverted keeps
    what a linear head can say of the features, so that the loss of the benign task, which the source minimizes beside
    them, has the same minimum for each, and is left out. The problem is not convex: look at both condition numbers of
    what comes out, since the benign one can grow, too (on random features it did so at weights of 1, 30 and 100).

    Source: Zheng et al. 2025, arXiv 2505.23760; code: amberyzheng/model-immunization-cond-num at b749964, known from
    a description and not read: its two terms are here, its preconditioned steps and deep features are not.
    Threat model: whoever trains a linear head on these features, which stay as they are, by gradient descent. Whoever
    whitens the rows, solves the normal equations or inverts A is not slowed down.

    Args:
        harmful: features of harmful rows, shape [rows, features].
        benign: features of benign rows, shape [rows, features].
        well_weight: how much κ of the benign features counts.
        ill_weight: how much κ of the harmful features counts.
        iterations: of L-BFGS, at most.

    Raises:
        InputError: if the two differ in their features, or one of them does not have rows of full rank.
    """
    size = harmful.shape[1]
    if benign.shape[1] != size:
        problem = f"there are {benign.shape[1]} features, and {size} harmful ones"
        raise InputError("benign", problem, "Give features of the same place of the same model.")
    before = _scaled_gram("harmful", harmful), _scaled_gram("benign", benign)

    def descended(flat: FloatArray) -> tuple[float, FloatArray]:
        own = np.asarray(flat).reshape(size, size)
        (bad, bad_slope), (good, good_slope) = (
            term(own.T @ gram @ own) for term, gram in zip((ill, well), before, strict=True)
        )
        slope = 2 * (ill_weight * before[0] @ own @ bad_slope + well_weight * before[1] @ own @ good_slope)
        return ill_weight * bad + well_weight * good, slope.ravel()

    start = np.eye(size).ravel()
    found = optimize.minimize(descended, start, jac=True, method="L-BFGS-B", options={"maxiter": iterations})
    return np.asarray(found.x, dtype=np.float64).reshape(size, size)


def _scaled_gram(name: str, rows: FloatArray) -> FloatArray:
    if not np.isfinite(condition_number(rows)):
        problem = f"its {len(rows)} rows do not span the {rows.shape[1]} features"
        raise InputError(name, problem, "Give more rows, or fewer features.")
    gram = rows.T @ rows
    return np.asarray(gram * (len(gram) / np.trace(gram)))
