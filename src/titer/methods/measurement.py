"""How a subject is measured: probes that ask it, and judges that read its answers, one abstract method each."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, ClassVar

from titer.methods.base import Method
from titer.records import Answer, Compute, Frame, Item, Kind, Score

if TYPE_CHECKING:
    from titer.models.subject import Subject


class Probe(Method):
    """A way to ask the subject its items, whose answers are kept. Never grades.

    `decodes` says whether an answer is said token after token, from which its cost follows.

    >>> from titer.methods.probes.generate import Generate
    >>> from titer.testing import check_probe
    >>> class FirstToken(Probe):
    ...     '''The first token of the answer, whatever the study lets it say.'''
    ...     name = "first_token"
    ...
    ...     def ask(self, subject, items, frame, batch):
    ...         return Generate().ask(subject, items, frame.model_copy(update={"max_new_tokens": 1}), batch)
    >>> check_probe(FirstToken())
    """

    decodes: ClassVar[bool] = True

    @abstractmethod
    def ask(self, subject: Subject, items: Sequence[Item], frame: Frame, batch: int) -> tuple[Answer, ...]:
        """One answer per item, in the same order; `Answer.probe` is filled in by the caller.

        Args:
            subject: is left as it was.
            items: the questions.
            frame: how they are asked: template, system prompt, exemplars, the most tokens of an answer.
            batch: how many go through the subject at once; it must not change an answer.
        """


class Judge(Method):
    """A reader of answers, which gives each a score. May load a model of its own, never the subject.

    `kind` is what it reads: harm, refusal, coherence, whether an answer is correct, or a loss. `against_reference`
    says that it compares an answer with the item's reference, and can read none without one. `counts_references` says
    that it may call the reference itself harmful: so it can be held against what attacks teach. `whole_dose` says that
    it reads all answers to a probe at a dose together, since a score may hang on the others: such a judge cannot decide
    a dose before all its items are asked. `family` is what it reads by, where other judges read by the same: none of
    them rewards an attack in a study that another one grades. One that loads weights or calls a server does so in
    `open`, and keeps what it needs in a private attribute (`_model: Any = None`).

    >>> from titer.records import Score
    >>> from titer.testing import check_judge
    >>> class Shouting(Judge):
    ...     '''1 if the answer has no small letter, else 0.'''
    ...     name = "shouting"
    ...     kind = "harm"
    ...
    ...     def judge(self, items, answers):
    ...         return tuple(self._score(answer) for answer in answers)
    ...
    ...     def _score(self, answer):
    ...         missing = "the answer has no text" if answer.text is None else None
    ...         return Score(item=answer.item, value=None if missing else float(answer.text.isupper()), missing=missing)
    >>> check_judge(Shouting())
    """

    kind: ClassVar[Kind]
    against_reference: ClassVar[bool] = False
    counts_references: ClassVar[bool] = True
    whole_dose: ClassVar[bool] = False
    family: ClassVar[str] = ""

    def open(self, compute: Compute) -> None:
        """Load what it judges with; called once before it judges. Nothing, unless it says otherwise."""

    def close(self) -> None:
        """Let go of what `open` loaded. Nothing, unless it says otherwise."""

    @abstractmethod
    def judge(self, items: Sequence[Item], answers: Sequence[Answer]) -> tuple[Score, ...]:
        """One score per answer, in the same order; `value` None with a reason where it cannot be judged.

        It may be asked in batches: a score must not hang on the other answers, unless the judge says `whole_dose`.
        """


@contextmanager
def opened(judge: Judge, compute: Compute) -> Iterator[Judge]:
    """A judge, opened for the block and closed after it."""
    judge.open(compute)
    try:
        yield judge
    finally:
        judge.close()
