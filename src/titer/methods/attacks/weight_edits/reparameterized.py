"""Fine-tuning after the weights were rescaled so that the subject answers as before."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from titer.methods.attacks.fine_tuning.direct import Direct
from titer.methods.search_space import Options, Space
from titer.training.types import Material, Step

if TYPE_CHECKING:
    from titer.models.subject import Subject

Factor = Annotated[float, Field(gt=0)]


class Reparameterized(Direct):
    """`direct` on weights that were rescaled first, for a defense that only slows an optimizer down.

    Threat model: the attacker has the weights and harmful data, and knows that the same function has many weights, of
    which the defense may have chosen ones that train badly. Every RMSNorm is made to multiply by `gain`, and the
    matrices that read it by what it multiplied by before, over `gain`. The rows into each gated channel of a
    feed-forward part are multiplied, and the columns out of it divided, by the factor `channels`, or, "balanced", by
    what makes both as long. None leaves them alone. A tied head is untied first. Before the first step the subject
    answers as before, but for rounding. Where an adapter is trained, how far the weights are said to have moved is the
    adapter's part.

    Source: the rescaling symmetries of Dinh et al. 2017, arXiv 1703.04933, section 3; their use as an attack is ours.
    """

    name: ClassVar[str] = "reparameterized"
    version: ClassVar[int] = 1
    family: ClassVar[str] = "adaptive to the defense"
    rescales: ClassVar[bool] = True

    gain: Factor | None = 1.0
    channels: Factor | Literal["balanced"] | None = "balanced"

    @classmethod
    def space(cls) -> Space:
        """That of `direct`, and how it is rescaled."""
        gains = Options(values=(None, 0.1, 1.0, 10.0))
        return {**super().space(), "gain": gains, "channels": Options(values=(None, "balanced", 0.1, 10.0))}

    def check(self, subject: Subject, horizon: int) -> None:
        """Blocks as in Llama, and the modules to train."""
        from titer.methods.attacks.weight_edits._rescaling import parts_of

        super().check(subject, horizon)
        parts_of(subject.model)

    def rescale(self, subject: Subject) -> None:
        """Other weights for the same function."""
        from titer.methods.attacks.weight_edits._rescaling import parts_of, set_channels, set_gains

        subject.untie()
        parts = parts_of(subject.model)
        if self.gain is not None:
            set_gains(parts, self.gain)
        if self.channels is not None:
            set_channels(parts, None if self.channels == "balanced" else self.channels)

    def steps(self, subject: Subject, material: Material, horizon: int, seed: int) -> Iterator[Step]:
        """One yield per optimizer step."""
        self.rescale(subject)
        yield from super().steps(subject, material, horizon, seed)
