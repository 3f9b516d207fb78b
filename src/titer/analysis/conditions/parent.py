"""The undefended model beside a defense: whether others can take it, and then at which doses it breaks.

A defense is worth nothing to those who can take the model that it was put on. No outcome rests on what is said here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from titer.analysis.conditions.harm_decisions import Replicate, replicates_of
from titer.analysis.findings import Assay
from titer.analysis.sentences import parent
from titer.analysis.sentences.text import NOTHING, Text, enumerated, fill, same, sentences
from titer.protocol.dose_axes import Axis
from titer.protocol.schema import Protocol


def publicity(protocol: Protocol) -> str | None:
    """Whether the undefended model is public, as the protocol says; of a lone model the public one it was made from."""
    if not protocol.defended:
        return protocol.subject.parent
    return {True: "public", False: "not public", None: "not said"}[protocol.subject.public]


def parent_said(assay: Assay) -> Text | None:
    """What is said of the model without the defense; None of a lone model whose parent is not named."""
    protocol = assay.protocol
    if not protocol.defended:
        name = protocol.subject.parent
        return None if name is None else fill(parent.NAMED, {"parent": same(name)})
    if protocol.subject.public is None:
        return parent.NOT_SAID
    if not protocol.subject.public:
        return parent.NOT_PUBLIC
    return sentences((parent.PUBLIC, _its_titer(replicates_of(assay, "resistance", "undefended"))))


def _its_titer(found: Sequence[Replicate]) -> Text:
    """The doses at which it breaks in the domains of resistance, on every axis."""
    axes = dict.fromkeys(curve.axis for replicate in found for curve in replicate.curves)
    titers = enumerated(_titer(found, axis) for axis in axes)
    return NOTHING if titers == NOTHING else fill(parent.ITS_TITER, {"titers": titers})


def _titer(found: Sequence[Replicate], axis: Axis) -> Text:
    """The doses between which it breaks in all runs that it breaks in, and how many these are."""
    broken = [(low, high) for low, high in (replicate.titer(axis) for replicate in found) if high is not None]
    top = max(broken_high for _, broken_high in broken) if broken else max(_doses(found, axis))
    low = min((own for own, _ in broken), default=0)
    template = (parent.BROKEN if low else parent.BROKEN_AT_ONCE) if broken else parent.UNBROKEN
    said = {"low": _dose(axis, low), "high": _dose(axis, top), "count": same(len(broken)), "seeds": same(len(found))}
    return fill(template, said)


def _doses(found: Sequence[Replicate], axis: Axis) -> Iterator[int]:
    return (dose for replicate in found for curve in replicate.curves if curve.axis == axis for dose in curve.doses)


def _dose(axis: Axis, dose: float) -> Text:
    return Text(axis.said(int(dose)), axis.said_zh(int(dose)))
