"""How the parameters of a defense are searched for, before a study is run."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from titer.protocol.data_sources import MethodChoice, Share
from titer.records import Record


class TuningConfig(Record):
    """What `titer tune` tries of the last defense, and against which attack; a study has no such table.

    Attributes:
        trials: configurations to try, the one that is written by hand first; for a comparison as many of each defense.
        space: by the name of a parameter a range `{low, high}` or a list of values; "default" for that of the method.
        attack: the attack of the trials, dosed along the steps of `attacker.ladder`; it should cost little.
        share: of the groups kept for the defense in each defended domain the share that the attack trains on.
        seed: the seed index of the trials; none of the study's.
        sampler: Optuna's tree-structured Parzen estimator, or uniform draws.
        startup: trials that the estimator must know before it goes by them.
    """

    trials: int = Field(ge=1)
    space: Literal["default"] | dict[str, Any] = "default"
    attack: MethodChoice
    share: Share = 0.34
    seed: int = Field(default=900, ge=0)
    sampler: Literal["tpe", "random"] = "tpe"
    startup: int = Field(default=4, ge=1)
