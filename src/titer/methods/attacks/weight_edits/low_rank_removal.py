"""Taking out the ranks of every matrix that serve refusals and hardly anything else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from titer.methods.base import Attack, Need
from titer.methods.search_space import Options, Space
from titer.protocol.dose_axes import RANKS, Axis
from titer.records import Row, Spent
from titer.seeds import derive
from titer.training.types import Material, Step

if TYPE_CHECKING:
    from titer.models.subject import Subject


class LowRankRemoval(Attack):
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
    needs: ClassVar[frozenset[Need]] = frozenset({Need.HARMFUL, Need.PAIRS, Need.BENIGN})

    energy: float = Field(default=0.99, gt=0, le=1)
    examples: int = Field(default=128, ge=1)
    batch: int = Field(default=16, ge=1)

    @classmethod
    def space(cls) -> Space:
        """How much of what refusals use is meant."""
        return {"energy": Options(values=(0.5, 0.8, 0.9, 0.95, 0.99, 1.0))}

    def doses(self, ladder: Sequence[int]) -> tuple[int, ...]:
        """Up to 100 percent, where all that refusals use is gone."""
        return tuple(dose for dose in ladder if 0 < dose <= 100)

    def check(self, subject: Subject) -> None:
        """The matrices of the blocks must be found."""
        from titer.models.modules import matrices

        matrices(subject.model)

    def prefix_consistent(self) -> bool:
        """Each dose is made from the baseline weights."""
        return False

    def steps(self, subject: Subject, material: Material, horizon: int, seed: int) -> Iterator[Step]:
        """Yields once."""
        from titer.methods.attacks.weight_edits._low_rank import Kinds, remove
        from titer.models.chat_format import encode_rows

        paired = [row for row in material.train if row.refusal is not None]
        refusals = [(row.id, row.prompt, row.refusal or "") for row in self._drawn(paired, seed)]
        benign = [(row.id, row.prompt, row.response) for row in self._drawn(material.benign, seed)]
        kinds = Kinds(
            refusals=encode_rows(subject, refusals, material.frame),
            benign=encode_rows(subject, benign, material.frame),
            batch=self.batch,
        )
        tokens = remove(subject, kinds, horizon, self.energy)
        spent = Spent(tokens=tokens, flops=2 * subject.parameters_total * tokens)
        yield Step(dose=horizon, spent=spent, terms={}, loss_tokens={}, rows_used=len(refusals) + len(benign))

    def _drawn(self, rows: Sequence[Row], seed: int) -> list[Row]:
        return sorted(rows, key=lambda row: derive(seed, "ranks", row.id))[: self.examples]
