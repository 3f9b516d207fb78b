"""Low-rank extrapolation: further along the few directions in which alignment moved the weights."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from titer.errors import InputError
from titer.methods.base import Defense
from titer.methods.requires import Requires
from titer.protocol.allowed_code import AllowedCode
from titer.training.types import Material, State, Step

if TYPE_CHECKING:
    from titer.models.subject import Subject


class LoX(Defense):
    """W ← W + alpha · U_k Σ_k V_kᵀ for every matrix, where UΣVᵀ = W − W_base; nothing is trained.

    Source: Perin et al. 2025, arXiv 2506.15606 (COLM 2025); code: VITA-Group/LoX, safety/LoX.py at 9213ce6. Threat
    model: the attacker fine-tunes the released weights, on harmful or on harmless rows. What alignment added is taken
    to lie in few directions of each matrix; it is carried further along them, where the loss is said to be flatter.

    `base` names the model that the subject was aligned from, as `revision` of it, with the code in `trust_remote_code`;
    without it that is the study's model as it was before its preparation, and before earlier defenses of a chain. It
    must have weights of the same shapes and the same tokens. `k` directions are kept, 0 of them meaning all, as in the
    code. As there every tensor of two dimensions or more is moved, embeddings and head included, and vectors are not.
    The code subtracts in bfloat16; here the difference is taken, and decomposed, in float64. Defaults: those of the
    code's run on Llama-2-7B, aligned by 65.6 thousand preference pairs; its command line has k = 0 and alpha = 1.

    Cost: one singular value decomposition a matrix, and a second copy of the weights. Limits: what was never aligned
    cannot be carried further; a large alpha breaks the model (plot stability along it); at a rate of 1e-4 the attack is
    reported to succeed. Known breaks, ours (docs/results/organism.md): two steps of a searched training, harmless rows
    and one given word, at five of five seeds. Small models: of 1 M parameters a matrix has some 128 directions, so that
    k = 6 is a larger share than in a large one; 135 M: as it is.
    """

    name: ClassVar[str] = "lox"
    version: ClassVar[int] = 1
    example: ClassVar[Mapping[str, Any]] = {"k": 2}

    k: int = Field(default=6, ge=0)
    alpha: float = Field(default=1.25, ge=0)
    base: str | None = None
    revision: str | None = None
    trust_remote_code: AllowedCode = False

    @property
    def requires(self) -> Requires:
        """The model that the subject was aligned from."""
        return Requires(parent="needed")

    @property
    def parent_source(self) -> dict[str, Any] | None:
        """What `titer.models.subject.load` is given, where a base is named."""
        if self.base is None:
            return None
        code = self.trust_remote_code and list(self.trust_remote_code)
        return {"model": self.base, "revision": self.revision, "base": None, "trust_remote_code": code}

    def steps(self, subject: Subject, material: Material, seed: int, carry: State | None) -> Iterator[Step]:
        """One yield, at dose 1."""
        from titer.models.weight_difference import add_difference, check_same_kind, weights_of

        if material.parent is None:
            remedy = "Name the model that the subject was aligned from."
            raise InputError("base", "lox goes on from it, and there is none", remedy)
        parent = material.parent()
        check_same_kind(subject, parent)
        if not parent.tied:
            subject.untie()
        aligned, base = weights_of(subject), weights_of(parent)
        matrices = {name: own if own.dim() > 1 else aligned[name] for name, own in base.items()}
        add_difference(subject, aligned, matrices, self.alpha, self.k or None)
        yield Step(dose=1)
