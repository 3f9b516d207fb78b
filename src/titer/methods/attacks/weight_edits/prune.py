"""Pruning: weights that are small, or that only refusals need, are set to zero."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from titer.methods.drawing import drawn
from titer.methods.requires import Need, Requires
from titer.methods.weight_edit import WeightEdit
from titer.protocol.dose_axes import PRUNED, Axis
from titer.records import Spent
from titer.training.types import Material, Step

if TYPE_CHECKING:
    from titer.models.subject import Subject


class Prune(WeightEdit):
    """Weights of every matrix of the blocks are set to zero: the smallest, or those that only refusals need.

    Threat model: by magnitude the attacker has the weights and nothing else; a compression that anybody may apply can
    undo a safeguard. A dose of d percent zeroes round(d/100 · n) of the n weights of each matrix, the smallest in
    absolute value, the first ones where they are equal. Source: Han et al. 2015, arXiv 1506.02626, without retraining.

    By importance the attacker also has harmful prompts with refusals, and benign rows. A dose of d percent zeroes those
    among the d percent of each matrix with the highest importance to refusals that are not among the `spared` percent
    with the highest importance to benign answers; the importance of a weight is the mean of |w · ∂L/∂w| over at most
    `examples` rows of either kind, L the loss of one. Source: Wei et al. 2024, arXiv 2402.05162, the set difference of
    SNIP scores (safety minus utility), whose code takes 10 percent of either in its example.
    """

    name: ClassVar[str] = "prune"
    version: ClassVar[int] = 1
    family: ClassVar[str] = "perturbation of the weights"
    axis: ClassVar[Axis] = PRUNED

    by: Literal["magnitude", "importance"] = Field(default="magnitude", exclude_if=lambda by: by == "magnitude")
    spared: float = Field(default=10, ge=0, lt=100, exclude_if=lambda spared: spared == 10)
    examples: int = Field(default=128, ge=1, exclude_if=lambda examples: examples == 128)

    @property
    def requires(self) -> Requires:
        """By importance harmful rows with their refusals, and benign ones."""
        if self.by == "magnitude":
            return Requires()
        return Requires(rows={Need.HARMFUL: 1, Need.PAIRS: 1, Need.BENIGN: 1})

    @property
    def last_dose(self) -> int:
        """Below 100 percent."""
        return 99

    def edit(self, subject: Subject, material: Material, strength: int, seed: int) -> Step | None:
        """The chosen weights become zero."""
        if self.by == "importance":
            return self._by_importance(subject, material, strength, seed)
        import torch

        from titer.models.modules import matrices

        for matrix in matrices(subject.model).values():
            order = torch.argsort(matrix.abs().flatten(), stable=True)
            kept = torch.ones(matrix.numel(), dtype=torch.bool, device=matrix.device)
            kept[order[: round(strength / 100 * matrix.numel())]] = False
            matrix.mul_(kept.view(matrix.shape))
        return None

    def _by_importance(self, subject: Subject, material: Material, strength: int, seed: int) -> Step:
        from titer.methods.attacks.weight_edits._importance import importance, only_for
        from titer.models.chat_format import encode_rows
        from titer.models.modules import matrices

        paired = [row for row in material.train if row.refusal is not None]
        refusals = [(row.id, row.prompt, row.refusal or "") for row in drawn(paired, self.examples, seed, "pruned")]
        benign = [(row.id, row.prompt, row.response) for row in drawn(material.benign, self.examples, seed, "pruned")]
        kinds = [encode_rows(subject, rows, material.frame) for rows in (refusals, benign)]
        of_refusals, of_benign = (importance(subject, examples) for examples in kinds)
        zeroed = weights = 0
        for name, matrix in matrices(subject.model).items():
            chosen = only_for(of_refusals[name], of_benign[name], strength / 100, self.spared / 100)
            matrix.mul_(~chosen)
            zeroed, weights = zeroed + int(chosen.sum()), weights + matrix.numel()
        tokens = sum(len(example.ids) for examples in kinds for example in examples)
        return Step(
            dose=strength,
            spent=Spent(tokens=tokens, flops=6 * subject.parameters_total * tokens),
            terms={"zeroed": zeroed / weights},
            rows_used=len(refusals) + len(benign),
        )
