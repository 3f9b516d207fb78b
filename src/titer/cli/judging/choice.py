"""A judge as it is named on the command line: `NAME`, or `NAME:{json}` with its parameters."""

from __future__ import annotations

import json

from titer.boundary import reading
from titer.errors import InputError
from titer.protocol.bounds import check_bounds
from titer.records import Choice


def judge_choice(text: str, place: str) -> Choice:
    """`refusal_removal` or `refusal_removal:{"extra": ["..."]}`.

    Args:
        text: as it was written.
        place: the option or argument, for messages.

    Raises:
        InputError: if its parameters are no JSON object within bounds.
    """
    name, _, parameters = text.partition(":")
    remedy = 'Write it as in refusal_removal:{"extra": []}.'
    with reading(place, "its parameters as JSON", remedy):
        found = json.loads(parameters) if parameters else {}
    if not isinstance(found, dict):
        raise InputError(place, f"its parameters are no JSON object: {parameters}", remedy)
    check_bounds({"name": name, **found}, place)
    return Choice(name=name, parameters=found)
