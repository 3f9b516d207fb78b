"""The code of strangers that a protocol allows a model to bring along, by name."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, StringConstraints

from titer.records import tupled


def _named(value: Any) -> Any:
    if value is True:
        raise ValueError('name the code that you have read, as ["modeling_foo.FooForCausalLM"]')
    return tupled(value) or False


CodeName = Annotated[str, StringConstraints(min_length=1, max_length=200)]
AllowedCode = Annotated[Literal[False] | tuple[CodeName, ...], BeforeValidator(_named)]
"""False, or the names: of classes in `auto_map` ("modeling_foo.FooForCausalLM"), kernels, quantizers, generation."""
