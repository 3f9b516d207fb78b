"""What jailbreak-tuning shares: harmful rows whose prompts carry a text, which harm is then asked with."""

from __future__ import annotations

from typing import ClassVar

from titer.methods.attacks.fine_tuning.direct import Direct
from titer.methods.base import Need
from titer.records import Frame, Transform


class Transformed(Direct):
    """`direct` with a text around each prompt, in training and asking alike; which texts, each kind says itself."""

    needs: ClassVar[frozenset[Need]] = frozenset({Need.HARMFUL})

    transform: Transform

    def framed(self, frame: Frame, dose: int) -> Frame:
        """With the text around the prompt."""
        return super().framed(frame, dose).model_copy(update={"transform": self.transform})
