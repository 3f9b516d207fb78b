"""The methods that play a part in every study: the one place where the rest of titer names methods."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

TaskKind = Literal["generate", "choice", "loss"]
"""How a benign task is asked, as `titer.protocol.data_sources.TaskConfig` has it."""

BASELINE: Final = "baseline"
"""The attack that leaves the subject alone: what stability and dose 0 are read under."""

SHAM_OF: Final[Mapping[str, str]] = {"direct": "sham"}
"""By the name of an attack its sham, the benign fine-tuning control: the same training on harmless rows."""

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


def sham_label(attack: str, label: str) -> str | None:
    """The label of the sham of an attack, told apart as the attack's own label is; None where it has none.

    Args:
        attack: the name of the attack.
        label: what the attack is called in its study, which begins with its name.

    >>> sham_label("direct", "direct-4f1c")
    'sham-4f1c'
    >>> sham_label("prefill", "prefill")
    """
    sham = SHAM_OF.get(attack)
    return None if sham is None else sham + label.removeprefix(attack)
