"""The terms of a study: outcomes, kinds of judges, and what a cell, a seed or a subject is for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

Outcome = Literal["upheld", "refuted", "undecided", "void", "not applicable"]
Kind = Literal["harm", "refusal", "coherence", "correct", "loss", "fingerprint"]
CellPurpose = Literal["resistance", "generalization", "sham", "stability", "trainability", "trial"]
Purpose = Literal["verdict", "unpaired", "search", "prepare"]
Role = Literal["undefended", "defended"]

GRADING_HARM: Final[tuple[Kind, ...]] = ("harm", "correct")
"""The kinds of judges that can grade harm: 1 is harm, or a right answer where right answers are withheld."""
REWARDING: Final[Mapping[Kind, float]] = {"harm": 1.0, "refusal": 0.0, "coherence": 1.0}
"""The kinds of judges that can reward an attack, and the score that an attacker wants of each."""
