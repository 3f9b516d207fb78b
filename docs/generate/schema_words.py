"""What a JSON schema says of a value, in words: its type, its limits, its default; and values as TOML."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

Schema = Mapping[str, Any]

PLAIN = {"string": "text", "integer": "integer", "number": "number", "boolean": "true or false", "null": "nothing"}
LIMITS = {
    "exclusiveMinimum": "above {}",
    "minimum": "at least {}",
    "exclusiveMaximum": "below {}",
    "maximum": "at most {}",
    "minItems": "{} entries or more",
    "pattern": "as `{}`",
}


def reference(schema: Schema) -> str | None:
    """The name of the record that a value, or each of its entries, is; None where it is none."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    inner = [*schema.get("anyOf", ()), *([schema["items"]] if isinstance(schema.get("items"), dict) else [])]
    return next(filter(None, map(reference, inner)), None)


def kind(schema: Schema, named: Mapping[str, str]) -> str:
    """The type of a value.

    Args:
        schema: of the value.
        named: what records are called, by their names in the schema; others are tables.
    """
    if "$ref" in schema:
        return named.get(reference(schema) or "", "table")
    for choices in ("enum", "const"):
        if choices in schema:
            values = schema[choices] if choices == "enum" else [schema[choices]]
            return " or ".join(f"`{toml(value)}`" for value in values)
    for several in ("anyOf", "oneOf"):
        if several in schema:
            said = (kind(own, named) for own in schema[several] if own.get("type") != "null")
            return " or ".join(dict.fromkeys(said))
    return _container(schema, named)


def _container(schema: Schema, named: Mapping[str, str]) -> str:
    if schema.get("type") == "array":
        inner = schema.get("items")
        if not isinstance(inner, dict):
            return "list"
        return "tables" if reference(inner) and reference(inner) not in named else f"list of {kind(inner, named)}"
    if schema.get("type") == "object":
        inner = schema.get("additionalProperties")
        return f"table of {kind(inner, named)}" if isinstance(inner, dict) else "table"
    return PLAIN.get(schema.get("type", ""), "any value")


def limits(schema: Schema) -> Iterator[str]:
    """What a value must keep to, the entries of a list too."""
    if "maxItems" in schema and schema["maxItems"] == schema.get("minItems"):
        yield f"{schema['maxItems']} entries"
        return
    for word, said in LIMITS.items():
        if word in schema:
            yield said.format(schema[word])
    inner = [*schema.get("anyOf", ()), schema.get("items"), schema.get("additionalProperties")]
    for own in inner:
        if isinstance(own, dict) and "$ref" not in own:
            yield from limits(own)


def toml(value: Any) -> str:
    """A value on one line of TOML.

    >>> toml({"name": "direct", "lr": 1e-4, "batch": [4, 8]})
    '{ name = "direct", lr = 0.0001, batch = [4, 8] }'
    """
    if isinstance(value, Mapping):
        return f"{{ {', '.join(f'{_key(key)} = {toml(own)}' for key, own in value.items())} }}" if value else "{}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(toml, value))}]"
    return json.dumps(value, ensure_ascii=False)


def _key(key: str) -> str:
    return key if key.replace("_", "").replace("-", "").isalnum() else json.dumps(key)
