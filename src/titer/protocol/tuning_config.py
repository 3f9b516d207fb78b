"""How the parameters of a defense are searched for, before a study is run."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from titer.protocol.data_sources import MethodChoice, Share
from titer.records import Record


class TuningConfig(Record):
    """What `titer tune` tries of the last defense, and against which attack; a study has no such table."""

    trials: int = Field(ge=1)
    """Configurations to try, the one that is written by hand first; for a comparison as many of each defense."""
    space: Literal["default"] | dict[str, Any] = "default"
    """By the name of a parameter a range `{low, high}` or a list of values; "default" for that of the method."""
    attack: MethodChoice
    """The attack of the trials, dosed along the steps of `attacker.ladder`; it should cost little."""
    share: Share = 0.34
    """Of the groups kept for the defense in each defended domain the share that the attack trains on."""
    seed: int = Field(default=900, ge=0)
    """The seed index of the trials, of defense and of attack; none of the study's."""
    sampler: Literal["tpe", "random"] = "tpe"
    """Optuna's tree-structured Parzen estimator, or uniform draws."""
    startup: int = Field(default=4, ge=1)
    """Trials that the estimator must know before it goes by them; those before are drawn uniformly."""
