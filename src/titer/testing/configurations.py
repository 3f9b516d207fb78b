"""What every method must be as a configuration, whatever it does."""

from __future__ import annotations

import inspect

from titer.methods.base import Method
from titer.methods.plugins import NAME
from titer.methods.search_space import LogRange


def check_configuration(method: Method) -> None:
    """Assert that a method has a name, a version and a first sentence, and is the same again when it is read again."""
    kind = type(method)
    assert NAME.fullmatch(method.name), f"the name '{method.name}' is of small letters, digits and underscores"
    assert method.version >= 1, "versions begin with 1"
    assert (inspect.getdoc(kind) or "").split("\n\n")[0].strip().endswith("."), "its docstring begins with a sentence"
    assert kind.model_validate_json(method.to_json()) == method, "it is the same again when it is read again"
    fields = set(kind.model_fields)
    for name, values in method.space().items():
        assert name in fields, f"a search tries {name}, which is a parameter"
        tried = (values.low, values.high) if isinstance(values, LogRange) else values.values
        assert tried, f"a search tries something for {name}"
