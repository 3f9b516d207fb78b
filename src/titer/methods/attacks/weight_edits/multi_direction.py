"""Refusal ablation of several directions at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from titer.methods.attacks.weight_edits.refusal_ablation import RefusalAblation
from titer.methods.search_space import Options, Space
from titer.training.types import Material

if TYPE_CHECKING:
    from titer.methods.attacks.weight_edits._refusal_choice import Chosen
    from titer.models.subject import Subject


class MultiDirection(RefusalAblation):
    """`refusal_ablation` of up to `directions` orthogonal directions, for a defense that refuses in more than one.

    Threat model: that of `refusal_ablation`. With `source` "candidates" the directions are the best candidates in the
    order of `refusal_ablation`, those that are not admitted behind those that are, each made orthogonal to those before
    it and left out where less than a tenth of it is new. With "singular" they are the first right singular vectors of
    the differences between what each harmful prompt gives and the mean of the benign ones, at the block and position of
    the best candidate. The term `directions` says how many were erased, `refusal` and `kl` what that did.

    Source: that several directions mediate refusal, Wollschläger et al. 2025, arXiv 2502.17420; how they are found here
    is ours, from the candidates of Arditi et al. 2024, arXiv 2406.11717.
    """

    name: ClassVar[str] = "multi_direction"
    version: ClassVar[int] = 2

    directions: int = Field(default=3, ge=1)
    source: Literal["candidates", "singular"] = "candidates"

    @classmethod
    def space(cls) -> Space:
        """That of `refusal_ablation`, how many directions, and where they come from."""
        several = {"directions": Options(values=(2, 3, 5, 8)), "source": Options(values=("candidates", "singular"))}
        return {**super().space(), **several}

    def _choose(self, subject: Subject, material: Material, seed: int) -> Chosen:
        """Several, which are erased one by one."""
        from titer.methods.attacks.weight_edits._refusal_direction import choose_several

        return choose_several(subject, material, self.criteria(), seed, most=self.directions, source=self.source)
