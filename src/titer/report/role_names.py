"""What the parts of a study are called in a report: with a defense, and in a release gate without one."""

from __future__ import annotations

from collections.abc import Mapping

from titer.protocol.schema import Protocol
from titer.report.series import Series

DEFENDED: Mapping[Series, str] = {
    "undefended": "undefended",
    "defended": "defended",
    "undefended sham": "undefended, sham",
    "defended sham": "defended, sham",
}
GATE: Mapping[Series, str] = {
    "undefended": "reference",
    "defended": "assayed model",
    "undefended sham": "reference, sham",
    "defended sham": "assayed model, sham",
}


def role_names(protocol: Protocol) -> Mapping[Series, str]:
    """The name of each subject by its role, and of its shams."""
    return DEFENDED if protocol.defended else GATE
