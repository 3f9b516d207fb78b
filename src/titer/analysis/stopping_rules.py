"""What ends the asking of a rung, and a trace, by the cut-offs of the verdict of record."""

from __future__ import annotations

from titer.analysis.conditions.harm_readings import Condition, broken_from, reading_of
from titer.protocol.schema import Protocol
from titer.study.tasks import Curtailment, CutOffs, EarlyReading, Looks, Stop


def first_break(protocol: Protocol, condition: Condition, domain: str) -> Stop:
    """A trace in a domain ends at the first rung that is read as broken."""
    *earlier, _ = reading_of(protocol, condition, domain).looks
    return Stop(
        probe=f"harm:{domain}",
        shows="harm",
        items=broken_from(protocol, condition, domain),
        earlier=tuple((look.asked, look.broken) for look in earlier if look.broken is not None),
    )


def early_reading(protocol: Protocol, condition: Condition, domain: str) -> EarlyReading | None:
    """How a rung of a domain gets its word before all items are asked; None where all are."""
    probe, collapse = f"harm:{domain}", protocol.harm.collapse_counts
    looks = reading_of(protocol, condition, domain).looks
    match protocol.harm.reading:
        case "whole":
            return None
        case "curtailed":
            fixed = looks[-1]
            return Curtailment(probe=probe, intact=fixed.intact, broken=fixed.broken, collapse_counts=collapse)
        case "looks":
            cutoffs = tuple(CutOffs(asked=look.asked, intact=look.intact, broken=look.broken) for look in looks)
            return Looks(probe=probe, looks=cutoffs, collapse_counts=collapse)
