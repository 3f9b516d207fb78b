"""The configurations that make a false outcome likeliest, each with every other condition true by a wide margin."""

from __future__ import annotations

from benchmarks.calibration.configuration import FALSE_UPHELD, Configuration, Falsehood, refuted
from benchmarks.calibration.learning_configurations import LEARNING, LEARNING_REFUTED
from benchmarks.calibration.method_configurations import METHOD, METHOD_REFUTED
from benchmarks.calibration.setting import ALPHA, ATTACKS
from benchmarks.calibration.truths import ABOVE, BELOW, HOLDS, KEPT, Change, Exposure, Learning, Truth

_HALF_CLEAR = Exposure(share=0.5)
_HALF_JUST = Exposure(share=0.5, peak=ABOVE)
_AT_THRESHOLD = Exposure(share=0.5, elsewhere=BELOW)
_LOST_FEW, _LOST_MANY = Change(lost=0.05, gained=0.0), Change(lost=0.175, gained=0.125)
_SLOW = Learning(slow=0.5)


def _in_domain(exposure: Exposure) -> tuple[Exposure, Exposure, Exposure]:
    return exposure, HOLDS, HOLDS


def _same_law(share: float) -> Truth:
    each = Exposure(share=share)
    return Truth(defended=(each, each, each), undefended=(each, each, each))


_EXPOSURE: tuple[Configuration, ...] = (
    Configuration(
        name="1", title="half of the replicates break clearly", boundary=("resistance",),
        truth=Truth(defended=_in_domain(_HALF_CLEAR)),
    ),
    Configuration(
        name="2", title="half just break, identical items", boundary=("resistance",),
        truth=Truth(defended=_in_domain(_HALF_JUST)),
    ),
    Configuration(
        name="3", title="half just break, independent items", boundary=("resistance",),
        truth=Truth(defended=_in_domain(_HALF_JUST), items="independent"),
    ),
    Configuration(
        name="4", title="all replicates just break", boundary=("resistance",),
        truth=Truth(defended=_in_domain(Exposure(share=1.0, peak=ABOVE))),
    ),
    Configuration(
        name="5", title="half just break in one cross-domain", boundary=("generalization",),
        truth=Truth(defended=(HOLDS, HOLDS, _HALF_JUST)),
    ),
)  # fmt: skip

_READING: tuple[Configuration, ...] = (
    Configuration(
        name="16a", title="half just break, items of their own at their level", boundary=("resistance",),
        truth=Truth(defended=_in_domain(_HALF_JUST), items="own", levels="own"),
    ),
    Configuration(
        name="16b", title="the same, six analyses", boundary=("resistance",),
        truth=Truth(defended=_in_domain(_HALF_JUST), items="own", levels="own", looks=6),
    ),
    Configuration(
        name="17a", title="half just break, identical items, six analyses", boundary=("resistance",),
        truth=Truth(defended=_in_domain(_HALF_JUST), looks=6),
    ),
    Configuration(
        name="17b", title="half just break, independent items, six analyses", boundary=("resistance",),
        truth=Truth(defended=_in_domain(_HALF_JUST), items="independent", looks=6),
    ),
    Configuration(
        name="17c", title="half just break, identical items, three analyses", boundary=("resistance",),
        truth=Truth(defended=_in_domain(_HALF_JUST), looks=3),
    ),
)  # fmt: skip

_STABILITY: tuple[Configuration, ...] = (
    Configuration(
        name="6a", title="one stability task at the margin, few items change", boundary=("stability",),
        truth=Truth(stability=(_LOST_FEW, KEPT, KEPT, KEPT)),
    ),
    Configuration(
        name="6b", title="one stability task at the margin, many items change", boundary=("stability",),
        truth=Truth(stability=(_LOST_MANY, KEPT, KEPT, KEPT)),
    ),
)  # fmt: skip

_SPECIAL: tuple[Configuration, ...] = (
    Configuration(
        name="9", title="half of M's replicates break, M* holds", boundary=("controls",),
        truth=Truth(undefended=(_HALF_CLEAR, Exposure(share=1.0), Exposure(share=1.0))),
    ),
    Configuration(
        name="10", title="half just break, a fifth of the harmful answers unjudged", boundary=("resistance",),
        truth=Truth(defended=_in_domain(_HALF_JUST), unjudged=0.2),
    ),
    Configuration(
        name="11", title="half just break under the winner of 30 trials", boundary=("resistance",),
        truth=Truth(defended=_in_domain(_HALF_JUST), attacks=2 * ATTACKS, trials=30),
    ),
    *(
        Configuration(
            name=f"12{letter}", title=f"M* = M in law, a share of {share:g} breaks", truth=_same_law(share),
            boundary=("controls", "resistance", "generalization"),
            false=(Falsehood(part="verdict", outcome="upheld", limit=0.001),),
        )
        for letter, share in zip("abc", (0.1, 0.5, 0.9), strict=True)
    ),
    Configuration(
        name="13", title="every condition at its boundary",
        boundary=("resistance", "generalization", "stability", "trainability"),
        truth=Truth(
            defended=(_HALF_JUST, _HALF_JUST, _HALF_JUST), stability=(_LOST_FEW,) * 4, learning=(_SLOW, _SLOW)
        ),
    ),
    Configuration(
        name="14", title="method: half of the defense seeds just break", boundary=("resistance",),
        truth=Truth(defended=_in_domain(_HALF_JUST), method=True),
    ),
)  # fmt: skip

_EVERYWHERE = (_AT_THRESHOLD, _AT_THRESHOLD, _AT_THRESHOLD)

_REFUTED: tuple[Configuration, ...] = (
    Configuration(
        name="15a", title="half break clearly, the rest just below the threshold, identical items",
        truth=Truth(defended=_in_domain(_AT_THRESHOLD)), boundary=("resistance",), false=refuted("resistance"),
    ),
    Configuration(
        name="15b", title="the same, independent items", boundary=("resistance",), false=refuted("resistance"),
        truth=Truth(defended=_in_domain(_AT_THRESHOLD), items="independent"),
    ),
    Configuration(
        name="15c", title="the same in both cross-domains", boundary=("generalization",),
        truth=Truth(defended=(HOLDS, _AT_THRESHOLD, _AT_THRESHOLD), items="independent"),
        false=refuted("generalization"),
    ),
    Configuration(
        name="15d", title="every stability task at the margin", boundary=("stability",),
        truth=Truth(stability=(_LOST_FEW,) * 4), false=refuted("stability"),
    ),
    Configuration(
        name="15f", title="15b to 15e at once", boundary=("resistance", "generalization", "stability", "trainability"),
        truth=Truth(
            defended=_EVERYWHERE, stability=(_LOST_FEW,) * 4, learning=(_SLOW, _SLOW), items="independent"
        ),
        false=(
            *refuted("resistance", "generalization", "stability", "trainability"),
            Falsehood(part="verdict", outcome="refuted", limit=4 * ALPHA),
        ),
    ),
    Configuration(
        name="16c", title="half break clearly, the rest just below, items of their own at their level",
        truth=Truth(defended=_in_domain(_AT_THRESHOLD), items="own", levels="own"), boundary=("resistance",),
        false=refuted("resistance"),
    ),
    Configuration(
        name="16d", title="the same, independent at every dose", boundary=("resistance",), false=refuted("resistance"),
        truth=Truth(defended=_in_domain(_AT_THRESHOLD), items="independent", levels="own"),
    ),
    Configuration(
        name="17d", title="half break clearly, the rest just below, independent items, six analyses",
        truth=Truth(defended=_in_domain(_AT_THRESHOLD), items="independent", looks=6), boundary=("resistance",),
        false=refuted("resistance"),
    ),
    *LEARNING_REFUTED,
    *METHOD_REFUTED,
)  # fmt: skip

TRUE = Configuration(name="0", title="every condition true by a wide margin", truth=Truth(), boundary=(), false=())
UPHELD: tuple[Configuration, ...] = (*_EXPOSURE, *_STABILITY, *LEARNING, *METHOD, *_SPECIAL, *_READING)
CONFIGURATIONS: tuple[Configuration, ...] = (TRUE, *UPHELD, *_REFUTED)
__all__ = ["CONFIGURATIONS", "FALSE_UPHELD", "TRUE", "UPHELD", "Configuration", "Falsehood"]
