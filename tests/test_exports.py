"""What `titer` offers is what can be imported from it."""

from __future__ import annotations

import ast
import inspect
import pkgutil

import pytest

import titer


def test_every_name_offered_can_be_imported() -> None:
    for name in titer.__all__:
        assert getattr(titer, name) is getattr(titer, name)
        assert not inspect.ismodule(getattr(titer, name))
    assert len(set(titer.__all__)) == len(titer.__all__)


def test_every_name_offered_is_known_to_type_checkers() -> None:
    tree = ast.parse(inspect.getsource(titer))
    branch = next(node for node in tree.body if isinstance(node, ast.If))
    typed = {alias.asname for node in branch.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert typed | {"__version__"} == set(titer.__all__)


def test_no_name_offered_is_that_of_a_module() -> None:
    """Importing `titer.run` would put the module in the place of a function `titer.run`."""
    modules = {module.name for module in pkgutil.iter_modules(titer.__path__)}
    assert modules.isdisjoint(titer.__all__)


def test_nothing_else_is_offered() -> None:
    public = {name for name in vars(titer) if not name.startswith("_")}
    modules = {name for name in public if inspect.ismodule(getattr(titer, name))}
    assert public - modules - {"annotations", "import_module", "version", "TYPE_CHECKING", "Any"} <= set(titer.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = titer.nothing
