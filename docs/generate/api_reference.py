"""Pages of the Python interface: every public name, whose documentation mkdocstrings renders."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterator
from types import ModuleType

INTROS = {
    "titer": """# Python: studies and extension points

What `import titer` offers, and the three functions that carry a study to its report. [An example](../../examples.md) is
`api.py`; how to write a method of one's own: [extending](../../extending.md).
""",
    "titer.testing": """# Python: checks for methods

What every method and executor has to pass, and tiny subjects to pass it on: for the tests of packages that bring one.
""",
    "titer.stats": """# Python: statistics

The exact statistics of a verdict. [The page with examples](../../concepts/statistics-library.md) says which function
answers which question.
""",
}
FUNCTIONS = ("titer.run.run", "titer.conclude.conclude", "titer.conclude.report")
"""What has the name of its module is imported from there."""


def page(package: str) -> str:
    """The page of one package."""
    names = [*_paths(importlib.import_module(package)), *(FUNCTIONS if package == "titer" else ())]
    return "\n".join([INTROS[package], *(f"::: {name}\n" for name in names)])


def _paths(package: ModuleType) -> Iterator[str]:
    """Where each public class and function of a package is defined."""
    for name in package.__all__:
        thing = getattr(package, name)
        if inspect.isclass(thing) or inspect.isfunction(thing):
            yield f"{thing.__module__}.{thing.__qualname__}"
