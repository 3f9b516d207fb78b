"""The methods that stand in a protocol where it names none; what they are is theirs to say."""

from __future__ import annotations

from typing import Final

from titer.records import Choice

HARM_PROBE: Final = Choice(name="generate")
COHERENCE: Final = Choice(name="coherence")
REFUSAL: Final = Choice(name="refusal")
FINGERPRINT: Final = Choice(name="fingerprint")
"""By which answers are told apart."""
LESSON: Final = Choice(name="direct")
"""How a benign task is learned."""
