"""What a search tries next: a pure function of the space, the trials known, a seed and the number of the trial.

It keeps no state: each proposal builds a fresh sampler of Optuna, seeded with (seed, number), from the trials of
earlier rounds. So a search that was killed, or that any number of workers share, goes the same way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Literal

from titer.errors import InputError
from titer.methods.search_space import LogRange, Space
from titer.records import canonical
from titer.seeds import derive

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

Sampler = Literal["tpe", "random"]


@dataclass(frozen=True, kw_only=True)
class FinishedTrial:
    """A finished trial: the value of each searched parameter, and what it is ranked by, the smaller the better."""

    values: Mapping[str, Any]
    loss: float


def check_sampler(begun: str | None) -> None:
    """Whether proposals are those of the Optuna that a search began with: each version draws in its own way.

    Args:
        begun: its version; None where that was not written down.

    Raises:
        InputError: if another one is installed, by which a search, though it were finished, would go another way.
    """
    if begun not in (None, version("optuna")):
        problem = f"the searches of this study began with optuna {begun}, and {version('optuna')} proposes other trials"
        raise InputError("attacker.search", problem, f"Install optuna=={begun}, or begin another study.")


def propose(
    space: Space, finished: Sequence[FinishedTrial], *, sampler: Sampler, startup: int, seed: int, number: int
) -> dict[str, Any]:
    """The values of trial `number`.

    Args:
        space: what may be tried.
        finished: the trials of earlier rounds that did not fail; one outside the space tells the sampler nothing.
        sampler: how it is chosen: by the tree-structured Parzen estimator, or uniformly.
        startup: with fewer finished trials than this the estimator draws uniformly.
        seed: root of the search.
        number: place of the trial in the search.

    Returns:
        The values by name; those of a range to four significant digits.
    """
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    own = derive(seed, "propose", number) % 2**32
    chosen: optuna.samplers.BaseSampler = optuna.samplers.RandomSampler(seed=own)
    if sampler == "tpe":
        chosen = optuna.samplers.TPESampler(seed=own, n_startup_trials=startup, multivariate=True)
    study = optuna.create_study(sampler=chosen)
    laws = distributions(space)
    for tried in finished:
        params = coded(space, tried.values)
        if params.keys() == space.keys():
            study.add_trial(optuna.trial.create_trial(params=params, distributions=laws, value=tried.loss))
    return _decoded(space, study.ask(laws).params)


def distributions(space: Space) -> dict[str, BaseDistribution]:
    """The laws of Optuna: the logarithm uniform over a range; a few values by their number, for they may be tables."""
    from optuna.distributions import CategoricalDistribution, FloatDistribution

    return {
        name: FloatDistribution(part.low, part.high, log=True)
        if isinstance(part, LogRange)
        else CategoricalDistribution(range(len(part.values)))
        for name, part in space.items()
    }


def coded(space: Space, values: Mapping[str, Any]) -> dict[str, float | int]:
    """The values as Optuna is told them: those that are written and lie in the space, as all that it proposed do."""
    return {
        name: values[name] if isinstance(part, LogRange) else [canonical(v) for v in part.values].index(
            canonical(values[name])
        )
        for name, part in space.items()
        if name in values and part.holds(values[name])
    }  # fmt: skip


def _decoded(space: Space, params: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: _rounded(params[name], part) if isinstance(part, LogRange) else part.values[params[name]]
        for name, part in space.items()
    }


def _rounded(value: float, part: LogRange) -> float:
    """To four significant digits, so that a value reads as one would write it, within the range."""
    return min(max(float(f"{value:.4g}"), part.low), part.high)
