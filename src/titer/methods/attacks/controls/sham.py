"""The harmless twin of plain fine-tuning."""

from __future__ import annotations

from typing import ClassVar

from titer.methods.attacks.fine_tuning.direct import Direct
from titer.methods.requires import Need, Requires


class Sham(Direct):
    """`direct` on benign rows: the same compute, harmless data.

    A control, not an attack: if it breaks the subject, harm comes from training as such and not from harmful data.
    """

    name: ClassVar[str] = "sham"
    version: ClassVar[int] = 1
    family: ClassVar[str] = ""

    @property
    def requires(self) -> Requires:
        """Benign rows, in the place of harmful ones."""
        return Requires(rows={Need.BENIGN: 1})
