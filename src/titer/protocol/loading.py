"""A protocol from a TOML file, or from plain data: validated, and checked for what makes a study impossible."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from titer.boundary import reading
from titer.errors import InputError
from titer.protocol.bounds import check_bounds
from titer.protocol.diagnostics import explain
from titer.protocol.schema import Protocol
from titer.protocol.validation import check_protocol

LONGEST: Final = 1_000_000
"""The most bytes of a protocol file."""


def load(path: Path | str) -> Protocol:
    """Read and validate a protocol file.

    Raises:
        InputError: with the dotted path of what is wrong, and the remedy.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(str(path), "there is no such protocol file", "`titer init` writes one to begin with.")
    if (size := path.stat().st_size) > LONGEST:
        problem = f"{size:,} bytes are more than {LONGEST:,}: no protocol is so long"
        raise InputError(str(path), problem, "Name data by the path of a file, as `source`.")
    with reading(str(path), "its TOML", "Correct the line that is named; `titer init` writes an example."):
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    return parse(data)


def parse(data: dict[str, Any]) -> Protocol:
    """Validate a protocol given as plain data.

    Raises:
        InputError: with the dotted path of what is wrong, and the remedy.
    """
    check_bounds(data)
    try:
        protocol = Protocol.model_validate_json(json.dumps(data))
    except ValidationError as error:
        raise explain(error, Protocol) from error
    check_protocol(protocol)
    return protocol
