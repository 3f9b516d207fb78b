"""Loss on refusals that begin at once, or late: after some tokens of the harmful answer."""

from __future__ import annotations

import torch

from titer.models.chat_format import Example
from titer.models.subject import Subject
from titer.seeds import derive
from titer.training.begun_answers import begun_by, room
from titer.training.sft import (
    BatchSampler,
    TrainRow,
    Weighing,
    check_pairs,
    count_responses,
    descend_by_rows,
    tokens,
)
from titer.training.types import Material, Objective, Update


class LateRefusals(Objective):
    """ce of the refusals, some behind the beginning of a harmful answer, and of benign answers, in nats per token.

    Args:
        refusals: refusals of a step.
        benign: benign rows of a step.
        batch: rows that go through the subject at once.
        begun_share: the chance of a refusal to come late.
        longest: the most tokens of a harmful answer before it.
        longest_share: the most of them as a share of the answer's.
        weigh: whether all tokens count alike, or refusals and benign rows by their rows.
    """

    def __init__(
        self,
        *,
        refusals: int,
        benign: int,
        batch: int,
        begun_share: float,
        longest: int,
        longest_share: float,
        weigh: Weighing,
    ) -> None:
        self.refusals, self.benign, self.batch = refusals, benign, batch
        self.begun_share, self.longest, self.longest_share = begun_share, longest, longest_share
        self.weigh: Weighing = weigh

    def prepare(self, subject: Subject, material: Material) -> None:
        """Encode the rows; harmful answers without their end, behind which nothing is ever said."""
        self._learned = BatchSampler(subject, material, ("refusal", "benign") if self.benign else ("refusal",))
        self._harmful = BatchSampler(subject, material, ("harmful",), train_on_eos=False)

    def backward(self, subject: Subject, material: Material, t: int, seed: int) -> Update:
        """Add the gradient of the mean."""
        refusals = self._learned.draw("refusal", self.refusals, t, seed)
        harmful = self._harmful.draw("harmful", self.refusals, t, seed)
        check_pairs(refusals, harmful)
        cuts = self._cuts(subject, harmful, refusals, derive(seed, "cuts", t))
        late = [
            TrainRow(one.row, begun_by(other.example, cut, one.example))
            for one, other, cut in zip(refusals, harmful, cuts, strict=True)
        ]
        benign = self._learned.draw("benign", self.benign, t, seed) if self.benign else []
        parts = [late, benign] if self.weigh == "rows" else [[*late, *benign]]
        by_part = [count_responses(subject, [one.example for one in part], self.batch) for part in parts]
        loss = descend_by_rows(subject, by_part)
        drawn = [*late, *benign]
        return Update(
            terms={"loss": loss, "harmful_tokens_before": sum(cuts) / len(cuts)},
            rows=tuple(one.row for one in drawn),
            tokens=tokens([batch for part in by_part for batch in part], drawn),
        )

    def _cuts(self, subject: Subject, harmful: list[TrainRow], refusals: list[TrainRow], seed: int) -> list[int]:
        """How many tokens of its harmful answer stand before each refusal."""
        generator = torch.Generator().manual_seed(seed)
        coins, places = torch.rand(2, len(refusals), generator=generator, dtype=torch.float64).tolist()
        most = [
            self._most(own.example, one.example, subject.context_length)
            for own, one in zip(harmful, refusals, strict=True)
        ]
        begun = [coin < self.begun_share and own > 0 for coin, own in zip(coins, most, strict=True)]
        return [1 + int(place * own) if late else 0 for late, place, own in zip(begun, places, most, strict=True)]

    def _most(self, harmful: Example, refusal: Example, context: int) -> int:
        share = int(self.longest_share * len(harmful.response)) if True in harmful.mask else 0
        return min(self.longest, share, room(harmful, refusal, context))
