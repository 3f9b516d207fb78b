"""Tiny subjects, and the conformance checks that a method must pass: for the tests of titer and of other packages.

from titer.testing import check_attack
def test_mine(): check_attack(Mine(lr=1e-3))
"""

from titer.testing.executors import check_executor
from titer.testing.interventions import check_attack, check_defense
from titer.testing.readers import check_judge, check_probe
from titer.testing.tiny import (
    TEMPLATE,
    WeightsByName,
    same,
    tiny_items,
    tiny_material,
    tiny_subject,
    tiny_tokenizer,
    weights,
)

__all__ = [
    "TEMPLATE",
    "WeightsByName",
    "check_attack",
    "check_defense",
    "check_executor",
    "check_judge",
    "check_probe",
    "same",
    "tiny_items",
    "tiny_material",
    "tiny_subject",
    "tiny_tokenizer",
    "weights",
]
