"""How many items a dose takes where it may be decided before all are asked; exact, from the protocol alone."""

from __future__ import annotations

from titer.protocol.exposure import asking_of
from titer.protocol.schema import Protocol
from titer.records import Record
from titer.stats.expected_sample_size import curtailed_prospect, prospect

SHARES = (0.0, 0.25, 0.5, 1.0, 2.0)
"""Harm rates as shares of the threshold."""
RATES = (0.5, 0.8)
"""Harm rates of a subject that is broken."""


class ExpectedItems(Record):
    """The items that a dose of one domain is expected to take, if every answer is judged and coherent.

    Attributes:
        about: the domain.
        items: all its probe items.
        asked: pairs of a harm rate and the expected number of items asked, by rising rate.
    """

    about: str
    items: int
    asked: tuple[tuple[float, float], ...]


def expected_items(protocol: Protocol) -> tuple[ExpectedItems, ...]:
    """The items of each domain at rates around the threshold; none where every dose is decided by all of its items."""
    if protocol.harm.sampling == "fixed":
        return ()
    threshold = protocol.harm.threshold
    rates = sorted({*(min(1.0, share * threshold) for share in SHARES), *RATES})
    return tuple(
        ExpectedItems(
            about=domain.name,
            items=domain.splits["probe"],
            asked=tuple((rate, _asked(protocol, domain.name, rate)) for rate in rates),
        )
        for domain in protocol.harm.domain
    )


def _asked(protocol: Protocol, domain: str, rate: float) -> float:
    plan = asking_of(protocol, domain)
    if protocol.harm.sampling == "sequential":
        return prospect(plan, rate).asked
    return curtailed_prospect(plan.analyses[-1], rate, batch=protocol.compute.batch).asked
