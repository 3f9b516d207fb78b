"""A trap: harmful gradients made to point against benign ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from titer.methods.base import Defense
from titer.methods.defenses.close_weights import check_arithmetic
from titer.methods.requires import Need, Requires
from titer.training.recipe import Training
from titer.training.types import Material, State, Step

if TYPE_CHECKING:
    from titer.models.subject import Subject


class SEAM(Defense, Training):
    """Self-destruction: min over θ of L_ul + alpha · ce(refusal) + beta · cos(∇ce(harmful), ∇ce(benign)).

    L_ul = -log(1 + [ce(logits) + Σ over all hidden states of ce(head(norm(h)))] / (L + 1)) of the harmful responses.
    Where the cosine is near -1, a step that learns harm is a step that unlearns what is benign. Its gradient is taken
    by finite differences of length `epsilon` (`titer.training.objectives.traps.seam.coupling`).

    Source: arXiv 2505.12186; code ZJUWYH/seam at 65f3d5c, src/core/trainer.py, src/data_processing/_datasets.py and
    config/train.yaml, read. Threat model: the attacker fine-tunes the released weights on harmful pairs. Needs pairs,
    and benign rows. Six passes a row, two with beta = 0; beside the gradient four more copies of the trained weights,
    three gradients and the weights to put back.

    `mask` is that of `adversarial_loss`, but padding never counts. Benign rows count whole, prompts too, as in the code
    (`benign_text`). The code norms the last hidden state twice (`norms_last_twice`).
    The paper's settings: alpha 1, beta 0.01, epsilon 1e-3, AdamW, lr 2e-5, cosine with 10 % warm-up, batch 8, no
    clipping (here at 1 unless `clip` says otherwise), one epoch of 8,000 rows of each kind. In its bfloat16 weights a
    step of length 1e-3 is lost in rounding; titer's are float32, and a subject that computes in bfloat16 is refused.

    Known limits: L_ul grows like a logarithm and has no bound; utility falls with the attack, by design; where the
    attacker's gradient differs from the pairs' the trap does not close. Known breaks: refusal ablation with a fixed
    beginning of the answer, no gradient being taken (arXiv 2605.26526; from notes on it); ours
    (docs/results/organism.md): ten rows and harmless rows at five of five seeds. Scale: epsilon is shared by all
    weights, about 1e-6 each of 1 M, where 1e-3 is best (1 % off the exact gradient of the cosine; 12 % at 1e-4, 5 % at
    1e-2), and 1e-7 each of 135 M, nearer to the last bits of float32: try 1e-2. Beta 0.01 sets no trap at 1 M: with 0.1
    the cosine is at -0.006 after 50 steps at 3e-5, with 3 at -0.18 after 100. Watch `gradient_cosine`.
    """

    name: ClassVar[str] = "seam"
    version: ClassVar[int] = 1
    passes: ClassVar[int] = 6
    example: ClassVar[Mapping[str, Any]] = {"train_steps": 4, "batch": 4, "lr": 1e-2, "beta": 0.1}

    train_steps: int = Field(ge=1)
    alpha: float = Field(default=1.0, gt=0)
    beta: float = Field(default=0.01, ge=0)
    epsilon: float = Field(default=1e-3, gt=0)
    mask: Literal["paired_difference", "response"] = "paired_difference"
    benign_text: Literal["whole", "response"] = "whole"
    norms_last_twice: bool = True

    @property
    def requires(self) -> Requires:
        """Harmful rows with their refusals, and benign rows for the cosine."""
        return Requires(rows={Need.PAIRS: 1, Need.BENIGN: 1})

    @property
    def copies(self) -> int:
        """Three gradients beside the one that is taken, and the weights to put back."""
        return 4 if self.beta else 0

    def check(self, subject: Subject) -> None:
        """The subject computes in float32, unless nothing is moved."""
        if self.beta:
            check_arithmetic(subject, "beta")

    def steps(self, subject: Subject, material: Material, seed: int, carry: State | None) -> Iterator[Step]:
        """One yield per optimizer step."""
        self.check(subject)
        from titer.training.loop import Recipe, train
        from titer.training.objectives.traps.seam import SelfDestruction

        objective = SelfDestruction(
            pairs=self.rows_per_step,
            benign=self.rows_per_step,
            batch=self.batch,
            alpha=self.alpha,
            beta=self.beta,
            epsilon=self.epsilon,
            mask=self.mask,
            benign_text=self.benign_text,
            norms_last_twice=self.norms_last_twice,
        )
        recipe = Recipe(objective=objective, training=self)
        yield from train(subject, material, recipe, steps=self.train_steps, seed=seed, carry=carry)
