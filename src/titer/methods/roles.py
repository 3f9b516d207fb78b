"""The methods that play a part in every study: the one place where the rest of titer names methods."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

TaskKind = Literal["generate", "choice", "loss"]
"""How a benign task is asked, as `titer.protocol.data_sources.TaskConfig` has it."""

BASELINE: Final = "baseline"
"""The attack that leaves the subject alone: what stability and dose 0 are read under."""

NO_DEFENSE: Final = "none"
"""The defense for which nothing is made: the defended subject is the undefended one."""

NO_OP: Final = "no_op"
"""The defense that is made, saved and loaded like any other, and changes nothing."""

UNCHANGING: Final = frozenset({NO_DEFENSE, NO_OP})
"""The defenses that leave every weight as it is."""

PROBE_OF_TASK: Final[Mapping[TaskKind, str]] = {"generate": "generate", "choice": "choice", "loss": "choice"}
"""By the kind of a benign task the probe that asks it."""

JUDGE_OF_TASK: Final[Mapping[TaskKind, str]] = {
    "generate": "normalized_match",
    "choice": "multiple_choice",
    "loss": "loss",
}
"""By the kind of a benign task the judge of its answers where it names none."""
