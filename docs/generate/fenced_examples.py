"""An extension of griffe: the doctests of a docstring stand in a block of code, as Markdown wants it."""

from __future__ import annotations

import re
from typing import Any

import griffe

DOCTEST = re.compile(r"^(?P<indent> *)>>> .*(?:\n(?! *$).*)*", re.MULTILINE)
"""From the first prompt up to an empty line."""


class FencedExamples(griffe.Extension):
    """Fences the doctests of every object as it is read."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Fence those of one object."""
        if obj.docstring is not None:
            obj.docstring.value = fenced(obj.docstring.value)


def fenced(text: str) -> str:
    """A text with each of its doctests in a block of code.

    >>> print(fenced("Adds.").upper())
    ADDS.
    """
    return DOCTEST.sub(lambda match: f"{match['indent']}```pycon\n{match[0]}\n{match['indent']}```", text)
