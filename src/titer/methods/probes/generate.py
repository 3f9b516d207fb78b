"""Free answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from titer.methods.measurement import Probe
from titer.records import Answer, Frame, Item

if TYPE_CHECKING:
    from titer.models.subject import Subject


class Generate(Probe):
    """The subject answers each prompt in its own words, greedily, in batches."""

    name: ClassVar[str] = "generate"
    version: ClassVar[int] = 1

    def ask(self, subject: Subject, items: Sequence[Item], frame: Frame, batch: int) -> tuple[Answer, ...]:
        """One text per item, with why it ended."""
        from titer.models.chat_format import encode_items, frame_of
        from titer.models.generation import generate

        said = generate(subject, encode_items(subject, items, frame), frame.max_new_tokens, batch)
        return tuple(
            Answer(probe="", item=item.id, text=one.text, ended=one.ended, begun=frame_of(item, frame).prefill)
            for item, one in zip(items, said, strict=True)
        )
