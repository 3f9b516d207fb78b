"""Rows that are written where a protocol reads them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any


def write_jsonl(path: Path, lines: Iterable[Mapping[str, Any]]) -> Path:
    """Write one JSON object a line; the path."""
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path
