"""Rows that can be read, CSV and JSONL, and each file of them bent, under a protocol that is as it should be."""

from __future__ import annotations

import csv
import io
import json
import random
from pathlib import Path
from typing import Any

from support.studies import small_protocol

from benchmarks.fuzz import toml
from benchmarks.fuzz.mutations import mutate_bytes, mutate_data, mutate_text

KINDS = ("jsonl", "csv")


def bent(number: int, seed: int, inputs: Path, folder: Path) -> Path:
    """Write a file of rows in which something may be wrong, and the protocol that takes them; its path.

    Args:
        number: of the case.
        seed: of the run: equal seeds and numbers give equal cases.
        inputs: a folder for the model and the rows of the small study; the same for every case.
        folder: where both files go.
    """
    draw = random.Random(f"{seed} source {number}")
    data = small_protocol(inputs)
    source = draw.choice([data["harm"]["domain"][0], data["benign"][0], data["task"][0]])
    rows = [json.loads(line) for line in Path(source["source"]).read_text(encoding="utf-8").splitlines()]
    kind = KINDS[number % len(KINDS)]
    path = folder / f"rows.{kind}"
    path.write_bytes(_jsonl(rows, draw) if kind == "jsonl" else _csv(rows, draw))
    source["source"] = str(path)
    if draw.random() < 0.3:
        source |= draw.choice(_TAKEN)
    (folder / "protocol.toml").write_text(toml.write(data), encoding="utf-8")
    return folder / "protocol.toml"


_TAKEN: tuple[dict[str, Any], ...] = (
    {"columns": {"prompt": "prompt.0"}},
    {"columns": {"prompt": "{prompt} {response}"}},
    {"columns": {"id": "prompt"}},
    {"columns": {"options": "response"}},
    {"where": {"refusal": ["no"]}},
    {"where": {"refusal": ["never"]}},
    {"longest": {"prompt": 3}},
    {"cut": {"response": 1}},
    {"group": "prompt.a.b"},
)
"""Ways of taking the rows that make more of what is in them."""


def _jsonl(rows: list[Any], draw: random.Random) -> bytes:
    if draw.random() < 0.5:
        rows = mutate_data(rows, draw)
    text = "".join(json.dumps(row, default=str) + "\n" for row in rows) if isinstance(rows, list) else str(rows)
    return mutate_text(text, draw) if draw.random() < 0.6 else text.encode()


def _csv(rows: list[Any], draw: random.Random) -> bytes:
    stream = io.StringIO()
    writer = csv.DictWriter(stream, list(rows[0]), lineterminator=draw.choice(("\n", "\r\n")))
    writer.writeheader()
    writer.writerows(rows)
    encoded = stream.getvalue().encode(draw.choice(("utf-8", "utf-8-sig", "utf-16")))
    return mutate_bytes(encoded, draw) if draw.random() < 0.5 else mutate_text(stream.getvalue(), draw)
