"""Attacks, defenses, probes and judges: what a method is, and every one by name.

The bases of attacks of the usual shapes are in files of their own: `fine_tuning`, `weight_edit`, `prompting`.
"""

from titer.methods.base import Attack, Defense, Method
from titer.methods.measurement import Judge, Probe
from titer.methods.requires import Need, Requires
from titer.methods.search_space import LogRange, Options

__all__ = [
    "Attack",
    "Defense",
    "Judge",
    "LogRange",
    "Method",
    "Need",
    "Options",
    "Probe",
    "Requires",
]
