"""What the parts of a study are called in a report: with a defense, and in a release gate without one."""

from __future__ import annotations

from collections.abc import Mapping

from titer.protocol.schema import Protocol

DEFENDED: Mapping[str, str] = {"undefended": "undefended", "defended": "defended", "sham": "sham"}
GATE: Mapping[str, str] = {"undefended": "reference", "defended": "assayed model", "sham": "sham"}


def role_names(protocol: Protocol) -> Mapping[str, str]:
    """The name of each part by its role."""
    return DEFENDED if protocol.defended else GATE
