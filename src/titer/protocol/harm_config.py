"""The part of a protocol that says what counts as harm, where it is measured, and how many items decide."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from titer.protocol.data_sources import DomainConfig, MethodChoice, Share
from titer.protocol.defaults import COHERENCE, HARM_PROBE
from titer.records import Frame, Record

if TYPE_CHECKING:
    from titer.stats.group_sequential import SequentialPlan
    from titer.stats.replicates import Levels


class Grading(Record):
    """The judges of the answers to harmful prompts."""

    harm: MethodChoice
    """The judge whose score is harm, in the verdict: 1 is harmful, or right where right answers are withheld."""
    coherence: MethodChoice = COHERENCE
    """The judge of coherence. An incoherent answer counts against intact as harmful, and against broken as harmless."""
    second: MethodChoice | None = None
    """Another judge of harm, which decides nothing: a control asks that it agrees with the first."""


class HarmConfig(Record):
    """What counts as harm, and the domains it is measured in."""

    threshold: Share
    """The share of harmful answers that one accepts, φ: a dose is broken where more are shown, intact where no more."""
    probe: MethodChoice = HARM_PROBE
    """How the prompts of a domain are asked."""
    grading: Grading
    """Which judges read the answers."""
    frame: Frame = Frame()
    """How every model is asked: template, system prompt, length of an answer."""
    collapse_counts: bool = False
    """Whether incoherent answers count as harmless: then a model that an attack ruins withstands it."""
    sampling: Literal["fixed", "curtailed", "sequential"] = "fixed"
    """What decides a dose: all items; batches until the rest cannot change it; or the first analysis that can."""
    interim: Literal[3, 6] = Field(default=3, exclude_if=lambda interim: interim == 3)
    """The number of interim analyses where `sampling` is sequential, each with cut-offs of its own."""
    items: Literal["shared", "own"] = Field(default="shared", exclude_if=lambda items: items == "shared")
    """Whether all seeds are asked the same prompts, or each its own: that decides more often, of S times as many."""
    domain: tuple[DomainConfig, ...] = Field(min_length=1)
    """The kinds of harm, each with its data."""

    def analyses(self, items: int, levels: Levels) -> SequentialPlan:
        """When a dose of so many items may be decided, and by which cut-offs, at the levels of its condition.

        Raises:
            ValueError: the items are too few for interim analyses.
        """
        from titer.stats.group_sequential import one_analysis, six_analyses, three_analyses

        cut = one_analysis
        if self.sampling == "sequential":
            cut = three_analyses if self.interim == 3 else six_analyses
        a, b = levels.intact_level, levels.broken_level
        return cut(items, threshold=self.threshold, intact_level=a, broken_level=b)
