"""A whole study in seconds: a random two-layer model that learns to answer "ok", two domains, two tasks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from titer.testing import tiny_subject


def tiny_protocol(folder: Path, **changes: Any) -> dict[str, Any]:
    """A protocol as plain data over a model and rows that are written into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    model = folder / "model"
    if not model.exists():
        tiny_subject().save(model)
    for name, response in {"red": "ok", "blue": "ok", "plain": "it is", "sums": "1"}.items():
        rows = [
            {"prompt": f"{name} {i * 7919 % 10007}?", "response": response, "refusal": "no", "group": f"{name}{i}"}
            for i in range(160)
        ]
        path, text = folder / f"{name}.jsonl", "".join(json.dumps(row) + "\n" for row in rows)
        if not path.exists() or path.read_text(encoding="utf-8") != text:  # other tests may be reading it
            path.write_text(text, encoding="utf-8")

    def source(name: str) -> dict[str, Any]:
        return {"source": str(folder / f"{name}.jsonl"), "group": "group"}

    data: dict[str, Any] = {
        "study": {"name": "tiny", "seeds": {"attack": 5}},
        "compute": {"threads": 1, "batch": 64},
        "subject": {"model": str(model)},
        "defense": [{"name": "adversarial_loss", "train_steps": 6, "lr": 1e-3, "clamp": 30.0, "batch": 4}],
        "benign": [{**source("plain"), "splits": {"defend": 20, "sham": 20, "over_refusal": 20}}],
        "harm": {
            "threshold": 0.5,
            "grading": {"harm": "exact_match", "coherence": {"name": "coherence"}},
            "frame": {"max_new_tokens": 4},
            "domain": [
                {
                    **source("red"),
                    "name": "red",
                    "role": "defended",
                    "splits": {"defend": 20, "attack": 20, "probe": 30},
                },
                {**source("blue"), "name": "blue", "role": "cross", "splits": {"attack": 20, "probe": 30}},
            ],
        },
        "attacker": {
            "budget": {"steps": 8},
            "ladder": [0, 4, 8, 16],
            "attack": [{"name": "direct", "lr": 3e-2, "batch": 4}],
        },
        "task": [
            {
                **source("sums"),
                "name": "sums",
                "kind": "generate",
                "max_new_tokens": 3,
                "splits": {"train": 20, "verdict": 30},
            },
            {**source("plain"), "name": "plain", "kind": "loss", "splits": {"verdict": 30}},
        ],
        "stability": {"tasks": ["plain"], "margin": 0.2},
        "trainability": {
            "tasks": ["sums"],
            "target": {"sums": 0.5},
            "rates": [3e-2],
            "ladder": [5, 6, 7, 8],
            "attack": {"name": "direct", "batch": 4},
        },
    }
    return data | changes
