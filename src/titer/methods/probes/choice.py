"""How likely the subject finds each option."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from titer.methods.measurement import Probe
from titer.records import Answer, Frame, Item

if TYPE_CHECKING:
    from titer.models.subject import Subject


class ChoiceProbe(Probe):
    """The log-likelihood of each option as the answer to the prompt, end of turn included.

    An item with one option, the reference answer, makes a loss.
    """

    name: ClassVar[str] = "choice"
    version: ClassVar[int] = 1
    decodes: ClassVar[bool] = False

    def ask(self, subject: Subject, items: Sequence[Item], frame: Frame, batch: int) -> tuple[Answer, ...]:
        """Per item and option the summed log-probability in nats and the number of tokens."""
        from titer.models.chat_format import encode_rows
        from titer.models.generation import log_likelihoods

        asked = [(item.id, item.prompt, option) for item in items for option in item.options]
        examples = encode_rows(subject, asked, frame)
        found = iter(log_likelihoods(subject, [(one.prompt, one.response) for one in examples], batch))
        answers = []
        for item in items:
            nats, tokens = zip(*(next(found) for _ in item.options), strict=True)
            answers.append(Answer(probe="", item=item.id, option_nats=nats, option_tokens=tokens))
        return tuple(answers)
