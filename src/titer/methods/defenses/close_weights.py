"""What a defense must be able to tell apart that compares gradients at weights close together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from titer.errors import InputError

if TYPE_CHECKING:
    from titer.models.subject import Subject


def check_arithmetic(subject: Subject, parameter: str) -> None:
    """Look whether the arithmetic of a subject sees that its weights were moved by little.

    Args:
        subject: whose weights are moved and put back in every step.
        parameter: with which 0 nothing is moved.

    Raises:
        InputError: if it computes in bfloat16, which rounds weights to 8 bits.
    """
    if subject.dtype == "bfloat16":
        problem = "bfloat16 rounds away what the gradients differ by between weights that are close together"
        raise InputError("compute.dtype", problem, f'Write "float32", or set {parameter} = 0.')
