"""The classes of one extension point by name: titer's own, and those that other packages bring as entry points."""

from __future__ import annotations

import difflib
import inspect
import re
from collections.abc import Mapping
from functools import cached_property
from importlib.metadata import EntryPoint, entry_points
from typing import Generic, TypeVar

from titer.errors import InputError

T = TypeVar("T")

NAME = re.compile(r"[a-z][a-z0-9_]*")
"""What a method may be called: labels put a dash and a digest behind it."""


class Catalog(Generic[T]):
    """Classes by name. Another package is looked at when the catalog is used, and imported when its class is.

    Args:
        kind: what they are, in the plural: `attacks`; the entry points are those of the group `titer.attacks`.
        base: the class that they must be of.
        own: titer's own.
    """

    def __init__(self, kind: str, base: type, own: Mapping[str, type[T]]) -> None:
        self.kind = kind
        self.base = base
        self.own = own
        self._loaded: dict[str, type[T]] = {}

    @cached_property
    def brought(self) -> Mapping[str, EntryPoint]:
        """By name what other packages bring.

        Raises:
            InputError: if a name is taken twice.
        """
        found: dict[str, EntryPoint] = {}
        for entry in entry_points(group=f"titer.{self.kind}"):
            if entry.name in self.own or entry.name in found:
                other = _package(found[entry.name]) if entry.name in found else "titer"
                problem = f"the name '{entry.name}' is taken twice: by {other} and by {_package(entry)}"
                raise InputError(f"titer.{self.kind}", problem, "Uninstall one of them, or let it take another name.")
            found[entry.name] = entry
        return found

    @property
    def names(self) -> tuple[str, ...]:
        """Every name, in alphabetical order."""
        return tuple(sorted({*self.own, *self.brought}))

    def find(self, name: str, place: str) -> type[T]:
        """The class of that name.

        Args:
            name: as a protocol has it.
            place: where it stands there.

        Raises:
            InputError: if there is none, or the package that brings it cannot be used.
        """
        brought = self.brought
        if name in self.own:
            return self.own[name]
        if name not in brought:
            close = difflib.get_close_matches(name, self.names, n=1)
            hint = f"Did you mean '{close[0]}'? " if close else ""
            raise InputError(place, f"unknown {self.kind[:-1]} '{name}'", f"{hint}Known: {', '.join(self.names)}.")
        if name not in self._loaded:
            self._loaded[name] = self._load(brought[name])
        return self._loaded[name]

    def origin(self, name: str) -> str:
        """Where a class of the catalog comes from: the name and version of its package, or `titer`."""
        return "titer" if name in self.own else _package(self.brought[name])

    def _load(self, entry: EntryPoint) -> type[T]:
        """Import the class of another package, and look whether it can be what it says it is.

        Raises:
            InputError: naming the package, if it cannot be imported or is no such class.
        """
        place, remedy = f"titer.{self.kind}", f"Repair {_package(entry)}, or uninstall it."
        problem = f"'{entry.name}' of {_package(entry)}"
        try:
            loaded = entry.load()
        except Exception as error:  # whatever the import of a foreign module does
            reason = f"cannot be imported: {type(error).__name__}: {error}"
            raise InputError(place, f"{problem} {reason}", remedy) from error
        if fault := self._fault(loaded, entry.name):
            raise InputError(place, f"{problem} {fault}", remedy)
        checked: type[T] = loaded
        return checked

    def _fault(self, loaded: object, name: str) -> str | None:
        """What is wrong with what another package brings under a name; None where nothing is."""
        if not isinstance(loaded, type) or not issubclass(loaded, self.base):
            return f"is no {self.base.__name__}, but {loaded!r}"
        if inspect.isabstract(loaded):
            missing = sorted(getattr(loaded, "__abstractmethods__", ()))
            return f"is not complete: {loaded.__name__} lacks {', '.join(missing)}"
        called = getattr(loaded, "name", None)
        if called != name:
            return f"says that its name is {called!r}"
        if not NAME.fullmatch(name):
            return "has a name that is not of small letters, digits and underscores"
        return None


def _package(entry: EntryPoint) -> str:
    """The package of an entry point with its version."""
    return "an unknown package" if entry.dist is None else f"{entry.dist.name} {entry.dist.version}"
