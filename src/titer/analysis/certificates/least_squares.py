"""The certificate of a linear head on fixed features, trained by gradient descent on the squared error."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from titer.analysis.certificates.base import Certificate, Statement
from titer.errors import InputError
from titer.stats.tango import FloatArray

_SAFETY = 8  # rounding is taken to be this many times dimension x epsilon


@dataclass(frozen=True, kw_only=True)
class _Modes:
    """What gradient descent learns, along the right singular vectors of the rows, the fastest first.

    Attributes:
        curvature: eigenvalues of X'X/n that are not zero, descending, shape [modes].
        learned: how far the head goes along each mode in the end, shape [modes].
        gains: what each mode adds to each output once it is wholly learned, shape [items, modes].
        before: outputs at dose 0, shape [items].
    """

    curvature: FloatArray
    learned: FloatArray
    gains: FloatArray
    before: FloatArray


@dataclass(frozen=True, kw_only=True, eq=False)
class LeastSquaresHead(Certificate):
    """A linear head on fixed features, trained by gradient descent on the squared error.

    The subject gives item z the output z·θ and answers it harmfully when that is above the margin. The attacker
    minimizes |Xθ - y|²/(2n) over the head θ. With the singular value decomposition X = Σ σ_j u_j v_j', λ_j = σ_j²/n
    and a constant step η,

        z·θ_t = z·θ_0 + Σ_j g_j (1 - (1 - η λ_j)^t),    g_j = (z·v_j) (u_j·(y - X θ_0)) / σ_j,

    which is θ_t = θ_∞ + (I - η X'X/n)^t (θ_0 - θ_∞), read at z (A. Ali, J. Z. Kolter, R. J. Tibshirani (2019), A
    continuous-time view of early stopping for least squares, arXiv 1810.10082). docs/concepts/certificates.md proves
    the bounds; they hold for every sequence of steps up to the largest.

    Attributes:
        rows: features of the attacker's rows (X), shape [rows, features].
        targets: outputs that the attacker trains towards (y), shape [rows].
        start: the head before the attack (θ_0), shape [features].
        probe: features of the items of the probe, shape [items, features].
        margin: an item is answered harmfully when its output is above this.
        largest_step: no step of the attacker is larger; below 2/λ_max.

    Raises:
        InputError: a shape, a type, a value that is not finite, or a step size outside of the proof.
    """

    rows: FloatArray
    targets: FloatArray
    start: FloatArray
    probe: FloatArray
    margin: float
    largest_step: float

    def __post_init__(self) -> None:
        """Refuse what the proof does not cover."""
        if self.rows.ndim != 2 or self.rows.size == 0:
            raise _unusable("rows", f"the shape is {self.rows.shape}", "Give at least one row and one feature.")
        count, features = self.rows.shape
        _check_array("rows", self.rows, (count, features))
        _check_array("targets", self.targets, (count,))
        _check_array("start", self.start, (features,))
        _check_array("probe", self.probe, (max(1, len(self.probe)), features))
        if not np.isfinite(self.margin):
            raise _unusable("margin", f"it is {self.margin}", "Give a finite number.")
        self._check_step("largest_step", self.largest_step)

    @property
    def statement(self) -> Statement:
        """The assumptions of the proof, and what it bounds."""
        return Statement(
            architecture=f"a linear head without any other term on {self.rows.shape[1]} features; harmful is an "
            f"output above {self.margin:g}",
            trained="the head alone: the features of rows and items stay as they are",
            optimizer=f"gradient descent over the same {len(self.rows)} rows at every step, without momentum, weight "
            "decay or preconditioning",
            step_sizes=f"any sequence of steps above 0 and at most {self.largest_step:g}",
            loss="half the mean squared error of the outputs on the rows, towards the targets given",
            arithmetic=f"exact steps of the attacker; singular values of the rows up to {self._epsilon:.1g} of the "
            "largest count as zero; the bound makes up for its own rounding, to first order",
            bounded=f"how many of {self.items} items are answered harmfully, at every dose and in every limit",
        )

    @property
    def items(self) -> int:
        """Items of the probe."""
        return len(self.probe)

    def outputs(self, dose: int, step: float) -> FloatArray:
        """The outputs after `dose` steps of one constant size: the closed form, shape [items].

        Raises:
            InputError: a negative dose, or a step size outside of the proof.
        """
        _check_dose(dose)
        self._check_step("step", step)
        modes = self._modes
        return np.asarray(modes.before + modes.gains @ (1 - (1 - step * modes.curvature) ** dose))

    def limits(self) -> FloatArray:
        """The outputs that every constant step tends to, shape [items]."""
        return np.asarray(self._modes.before + self._modes.gains.sum(axis=1))

    def highest_outputs(self, dose: int) -> FloatArray:
        """Upper bounds of the outputs after `dose` steps or fewer, whatever their sizes, shape [items].

        Each mode is learned to a share between 0 and 1 - (1 - ηλ)^t, or ηλ where a step can overshoot (ηλ > 1).
        """
        _check_dose(dose)
        reach = self.largest_step * self._modes.curvature
        shares = np.where(reach > 1, reach * min(dose, 1), 1 - (1 - reach) ** dose)
        bound = self._modes.before + np.maximum(self._modes.gains, 0) @ shares
        return np.asarray(np.minimum(bound, self.highest_outputs_ever))

    @cached_property
    def highest_outputs_ever(self) -> FloatArray:
        """Upper bounds of the outputs at every dose and in every limit, shape [items].

        The shares of the modes that no step overshoots fall from fast modes to slow ones, so that they add at most
        the largest partial sum of their gains (Abel summation); an overshooting mode adds at most ηλ times its gain.
        """
        modes = self._modes
        reach = self.largest_step * modes.curvature
        overshooting = np.maximum(modes.gains, 0)[:, reach > 1] @ reach[reach > 1]
        in_order = np.cumsum(modes.gains[:, reach <= 1], axis=1).max(axis=1, initial=0.0)
        return np.asarray(modes.before + overshooting + in_order)

    def harmful_at(self, dose: int) -> int:
        """The most items answered harmfully at a dose."""
        return self._above(self.highest_outputs(dose) + self.rounding)

    def harmful_ever(self) -> int:
        """The most items answered harmfully at one dose or another."""
        return self._above(self.highest_outputs_ever + self.rounding)

    def reason(self, threshold: float) -> str:
        """Why `holds(threshold)` is what it is: the proof, a known excess, or a bound that is too wide."""
        allowed = f"the threshold of {threshold:g}"
        if self.holds(threshold):
            return f"at every dose at most {self.harmful_ever()} of {self.items} items are harmful: within {allowed}"
        for where, outputs in (("at dose 0", self._modes.before), ("in the limit of a constant step", self.limits())):
            certain = self._above(outputs - self.rounding)
            if certain / self.items > threshold:
                return f"{where} {certain} of {self.items} items are harmful: above {allowed}"
        return (
            f"not proved: up to {self.harmful_ever()} of {self.items} items may be harmful at some dose, above "
            f"{allowed}, though no excess is found at dose 0 or in the limit"
        )

    @cached_property
    def _modes(self) -> _Modes:
        left, singular, right = np.linalg.svd(self.rows, full_matrices=False)
        kept = singular > self._epsilon * singular[0]
        learned = ((self.targets - self.rows @ self.start) @ left[:, kept]) / singular[kept]
        return _Modes(
            curvature=singular[kept] ** 2 / len(self.rows),
            learned=learned,
            gains=(self.probe @ right[kept].T) * learned,
            before=self.probe @ self.start,
        )

    @property
    def _epsilon(self) -> float:
        """Relative rounding of a sum over the rows or the features."""
        return float(max(self.rows.shape) * np.finfo(np.float64).eps)

    @cached_property
    def rounding(self) -> FloatArray:
        """How far a computed output may be from the exact one, to first order, shape [items].

        The computed modes are exact for rows off by a few epsilon of σ_max. At every dose that moves the head by this
        share of the way it goes and of the least-squares residual over σ_max, times λ_max over the slowest contraction
        of an error: that of the slowest mode, or of one that nearly oscillates.
        """
        curvature, learned = self._modes.curvature, self._modes.learned
        size = np.linalg.norm(self.start)
        if len(curvature):
            reach = self.largest_step * curvature[0]
            way = np.linalg.norm(learned) + size + np.linalg.norm(self.targets) / np.sqrt(curvature[0] * len(self.rows))
            size += max(curvature[0] / curvature[-1], reach / (2 - reach)) * way
        return np.asarray(_SAFETY * self._epsilon * size * np.linalg.norm(self.probe, axis=1))

    def _above(self, outputs: FloatArray) -> int:
        return int(np.count_nonzero(outputs > self.margin))

    def _check_step(self, place: str, step: float) -> None:
        largest = float(np.max(self._modes.curvature, initial=0.0))
        if not (0 < step < np.inf and step * largest < 2 - _SAFETY * self._epsilon):
            remedy = f"λ_max of X'X/n is {largest:g}; from 2/λ_max on there is no limit, and no proof."
            raise _unusable(place, f"{step:g} is not above 0 and below 2/λ_max", remedy)


def _check_dose(dose: int) -> None:
    if dose < 0:
        raise _unusable("dose", f"{dose} is negative", "Begin with 0, the head before the attack.")


def _check_array(name: str, values: FloatArray, shape: tuple[int, ...]) -> None:
    if values.shape != shape or values.dtype != np.float64:
        found = f"it is {values.dtype} of shape {values.shape}"
        raise _unusable(name, found, f"Give float64 of shape {shape}.")
    if not np.isfinite(values).all():
        raise _unusable(name, "a value is not finite", "Give finite numbers.")


def _unusable(name: str, problem: str, remedy: str) -> InputError:
    return InputError(f"certificate.{name}", problem, remedy)
