"""A protocol from a TOML file, or from plain data: validated, and checked for what makes a study impossible."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from titer.errors import InputError
from titer.protocol.diagnostics import explain
from titer.protocol.schema import Protocol
from titer.protocol.validation import check_protocol


def load(path: Path | str) -> Protocol:
    """Read and validate a protocol file.

    Raises:
        InputError: with the dotted path of what is wrong, and the remedy.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(str(path), "there is no such protocol file", "`titer init` writes one to begin with.")
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(str(path), f"not valid TOML: {error}", "Correct the line named.") from error
    return parse(data)


def parse(data: dict[str, Any]) -> Protocol:
    """Validate a protocol given as plain data.

    Raises:
        InputError: with the dotted path of what is wrong, and the remedy.
    """
    try:
        text = json.dumps(data, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise InputError("protocol", f"a value is not plain data: {error}", "Use numbers, texts, lists.") from error
    try:
        protocol = Protocol.model_validate_json(text)
    except ValidationError as error:
        raise explain(error, Protocol) from error
    check_protocol(protocol)
    return protocol
