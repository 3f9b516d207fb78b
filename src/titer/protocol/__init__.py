"""What is written down before a run: the protocol, how it is read, and what is wrong with it."""

from titer.protocol.attacker import AttackChoice, DoseSchedule
from titer.protocol.dose_axes import STEPS, Axis
from titer.protocol.loading import load, parse
from titer.protocol.schema import Protocol

__all__ = [
    "AttackChoice",
    "Axis",
    "DoseSchedule",
    "Protocol",
    "STEPS",
    "load",
    "parse",
]
