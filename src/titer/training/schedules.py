"""What becomes of the learning rate from step to step."""

from __future__ import annotations

import math
from typing import Literal

from pydantic import Field

from titer.records import Record


class Constant(Record):
    """One learning rate throughout."""

    kind: Literal["constant"] = "constant"

    @property
    def prefix_consistent(self) -> bool:
        """Whether the first steps are the same whatever the number of steps."""
        return True

    def factor(self, t: int, steps: int) -> float:
        """What the learning rate is multiplied by at step t, counted from 0, of `steps`."""
        return 1.0


class Warmup(Record):
    """A linear rise over the first `steps` steps, then constant."""

    kind: Literal["warmup"] = "warmup"
    steps: int = Field(ge=1)

    @property
    def prefix_consistent(self) -> bool:
        """Whether the first steps are the same whatever the number of steps."""
        return True

    def factor(self, t: int, steps: int) -> float:
        """What the learning rate is multiplied by at step t, counted from 0, of `steps`."""
        return min(1.0, (t + 1) / self.steps)


class Cosine(Record):
    """A linear rise over `warmup` steps, then half a cosine down to zero at the last step."""

    kind: Literal["cosine"] = "cosine"
    warmup: int = Field(default=0, ge=0)

    @property
    def prefix_consistent(self) -> bool:
        """Whether the first steps are the same whatever the number of steps."""
        return False

    def factor(self, t: int, steps: int) -> float:
        """What the learning rate is multiplied by at step t, counted from 0, of `steps`."""
        if t < self.warmup:
            return (t + 1) / self.warmup
        return 0.5 * (1 + math.cos(math.pi * (t - self.warmup) / max(1, steps - self.warmup)))


class SGDR(Record):
    """A linear rise over `warmup` steps, then cosines down that begin anew every `period` steps, ever the same.

    Loshchilov and Hutter 2017, arXiv 1608.03983, equation 5 with T_mult = 1; a cosine ends at `floor` times the peak.
    """

    kind: Literal["sgdr"] = "sgdr"
    warmup: int = Field(default=30, ge=0)
    period: int = Field(default=100, ge=2)
    floor: float = Field(default=0.1, ge=0, lt=1)

    @property
    def prefix_consistent(self) -> bool:
        """Whether the first steps are the same whatever the number of steps."""
        return True

    def factor(self, t: int, steps: int) -> float:
        """What the learning rate is multiplied by at step t, counted from 0, of `steps`."""
        if t < self.warmup:
            return (t + 1) / self.warmup
        within = (t - self.warmup) % self.period / self.period
        return self.floor + (1 - self.floor) * 0.5 * (1 + math.cos(math.pi * within))
