"""Records that are frozen and strict, with an exact JSON round trip and a digest of it."""

from __future__ import annotations

import hashlib
import json
from typing import Any, Self

from pydantic import BaseModel, ConfigDict

from titer.errors import DamagedError


def canonical(value: Any) -> str:
    """One line of JSON: sorted keys, shortest floats, no NaN. The only writer of JSON in titer."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def digest(value: Any) -> str:
    """The first 32 hexadecimal digits of SHA-256 over the canonical JSON of `value`."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()[:32]


def tupled(value: Any) -> Any:
    """JSON lists as tuples, at every depth: what a validator that runs before a strict one must hand on."""
    if isinstance(value, list | tuple):
        return tuple(tupled(item) for item in value)
    if isinstance(value, dict):
        return {key: tupled(item) for key, item in value.items()}
    return value


class Record(BaseModel):
    """Frozen, strict, no unknown fields, no NaN."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        allow_inf_nan=False,
        ser_json_inf_nan="constants",
        use_attribute_docstrings=True,
    )

    def to_data(self) -> dict[str, Any]:
        """Plain JSON data."""
        return self.model_dump(mode="json")

    def to_json(self) -> str:
        """Canonical JSON, one line."""
        return canonical(self.to_data())

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The record that `to_json` wrote.

        Raises:
            DamagedError: if the text is not such a record.
        """
        try:
            return cls.model_validate_json(text)
        except ValueError as error:
            raise DamagedError(f"not a {cls.__name__}: {error}") from error
