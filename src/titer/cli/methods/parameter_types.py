"""The type of a parameter in words, from the JSON schema that pydantic makes of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from titer.records import canonical

_WORDS = {
    "number": "number",
    "integer": "whole number",
    "string": "text",
    "boolean": "true or false",
    "array": "list",
    "object": "table",
    "null": "none",
}
_RECORDS = {"Choice": "method"}
_BOUNDS = {"exclusiveMinimum": "above", "minimum": "from", "exclusiveMaximum": "below", "maximum": "up to"}


def type_said(schema: Mapping[str, Any], parts: Mapping[str, Any]) -> str:
    """A type in words.

    Args:
        schema: of the parameter.
        parts: the schemas that it refers to, by their names.

    >>> type_said({"type": "number", "exclusiveMinimum": 0}, {})
    'number above 0'
    >>> type_said({"anyOf": [{"enum": ["rows", "columns"]}, {"type": "null"}]}, {})
    '"rows" or "columns" or none'
    """
    return " or ".join(dict.fromkeys(_said(schema, parts)))


def _said(schema: Mapping[str, Any], parts: Mapping[str, Any]) -> Iterator[str]:
    choices = schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf")
    if choices:
        for choice in choices:
            yield from _said(choice, parts)
    elif "$ref" in schema:
        yield from _referred(schema["$ref"].rpartition("/")[2], parts)
    elif "const" in schema:
        yield canonical(schema["const"])
    elif "enum" in schema:
        yield from map(canonical, schema["enum"])
    elif schema.get("type") == "array" and "items" in schema:
        yield f"list of {type_said(schema['items'], parts)}"
    else:
        bounds = [f"{word} {schema[key]:g}" for key, word in _BOUNDS.items() if key in schema]
        yield " ".join([_WORDS.get(schema.get("type", ""), "anything"), *bounds])


def _referred(name: str, parts: Mapping[str, Any]) -> Iterator[str]:
    """A part with a kind is named by it: `lora`."""
    kind = parts.get(name, {}).get("properties", {}).get("kind", {})
    yield canonical(kind["const"]) if "const" in kind else _RECORDS.get(name, name.lower())
