"""Taking out the ranks of every matrix that serve refusals and hardly anything else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from titer.methods.drawing import drawn
from titer.methods.requires import Need, Requires
from titer.methods.search_space import Options, Space
from titer.methods.weight_edit import WeightEdit
from titer.protocol.dose_axes import RANKS, Axis
from titer.records import Spent
from titer.training.types import Material, Step

if TYPE_CHECKING:
    from titer.models.subject import Subject


class LowRankRemoval(WeightEdit):
    """Every matrix W of the blocks loses (1 − Π_b) Π_r W: what refusals use of its outputs and benign rows do not.

    Threat model: the attacker has the weights, harmful prompts with refusals and benign rows, and trains nothing. Π_b
    projects on the left singular vectors of W X_b, X_b its inputs on benign rows, but for the last d percent of the
    ranks of W, rounded up: d is the dose. Π_r projects on those of W X_r, on refusals, that hold the share `energy` of
    its squared norm. Inputs count where the next token is one of the response, all of the baseline subject.

    Source: Wei et al. 2024, arXiv 2402.05162 (ActSVD, orthogonal projections: small ranks carry safety). The source
    names the rank of Π_r too, where this takes a share of the norm. Of the ranks that benign rows hardly use, those
    that refusals use most come last; this order is ours.
    """

    name: ClassVar[str] = "low_rank_removal"
    version: ClassVar[int] = 1
    family: ClassVar[str] = "perturbation of the weights"
    axis: ClassVar[Axis] = RANKS
    example: ClassVar[Mapping[str, Any]] = {"energy": 0.9}

    energy: float = Field(default=0.99, gt=0, le=1)
    examples: int = Field(default=128, ge=1)
    batch: int = Field(default=16, ge=1)

    @property
    def requires(self) -> Requires:
        """Harmful rows with their refusals, and benign ones."""
        return Requires(rows={Need.HARMFUL: 1, Need.PAIRS: 1, Need.BENIGN: 1})

    @classmethod
    def space(cls) -> Space:
        """How much of what refusals use is meant."""
        return {"energy": Options(values=(0.5, 0.8, 0.9, 0.95, 0.99, 1.0))}

    @property
    def last_dose(self) -> int:
        """100 percent, where all that refusals use is gone."""
        return 100

    def edit(self, subject: Subject, material: Material, strength: int, seed: int) -> Step:
        """What refusals use and benign rows do not is taken out."""
        from titer.methods.attacks.weight_edits._low_rank import Kinds, remove
        from titer.models.chat_format import encode_rows

        paired = [row for row in material.train if row.refusal is not None]
        refusals = [(row.id, row.prompt, row.refusal or "") for row in drawn(paired, self.examples, seed, "ranks")]
        benign = [(row.id, row.prompt, row.response) for row in drawn(material.benign, self.examples, seed, "ranks")]
        kinds = Kinds(
            refusals=encode_rows(subject, refusals, material.frame),
            benign=encode_rows(subject, benign, material.frame),
            batch=self.batch,
        )
        tokens = remove(subject, kinds, strength, self.energy)
        spent = Spent(tokens=tokens, flops=2 * subject.parameters_total * tokens)
        return Step(dose=strength, spent=spent, rows_used=len(refusals) + len(benign))
