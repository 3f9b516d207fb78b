"""Writes two files as lm-eval does with `--log_samples`: 200 sums, answered by a model before and after a change.

Nothing of lm-eval or of a benchmark is in them: the questions are sums, the answers are drawn. One line per document
and filter, as `lm_eval.evaluator` and `lm_eval.loggers.evaluation_tracker` write it: `doc_id`, `doc`, `target` (a
string), `arguments` by number, `resps`, `filtered_resps`, `filter`, `metrics` (names), three SHA-256 digests, and each
metric under its own name.
"""

from __future__ import annotations

import json
import random
from hashlib import sha256
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
NAME = "samples_sums_2026-01-15T10-00-00.000000.jsonl"
DOCUMENTS = 200
WRONG, CHANGED = 0.10, 0.03


def digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def line(doc_id: int, first: int, second: int, answer: int) -> dict[str, Any]:
    doc = {"question": f"What is {first} + {second}?", "answer": str(first + second)}
    prompt = f"Question: {doc['question']}\nAnswer:"
    return {
        "doc_id": doc_id,
        "doc": doc,
        "target": doc["answer"],
        "arguments": {"gen_args_0": {"arg_0": prompt, "arg_1": {"until": ["\n"], "do_sample": False}}},
        "resps": [[f" {answer}."]],
        "filtered_resps": [str(answer)],
        "filter": "none",
        "metrics": ["exact_match"],
        "doc_hash": digest(json.dumps(doc, indent=2, ensure_ascii=False)),
        "prompt_hash": digest(prompt),
        "target_hash": digest(doc["answer"]),
        "exact_match": float(answer == first + second),
    }


def samples() -> dict[str, list[dict[str, Any]]]:
    """The lines of both files."""
    rng = random.Random(20260115)
    written: dict[str, list[dict[str, Any]]] = {"before": [], "after": []}
    for doc_id in range(DOCUMENTS):
        first, second = rng.randrange(100, 1000), rng.randrange(100, 1000)
        wrong = rng.random() < WRONG
        for model, slip in (("before", wrong), ("after", wrong != (rng.random() < CHANGED))):
            answer = first + second + (rng.choice([-10, 10]) if slip else 0)
            written[model].append(line(doc_id, first, second, answer))
    return written


def text(lines: list[dict[str, Any]]) -> str:
    return "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in lines)


if __name__ == "__main__":
    for model, lines in samples().items():
        (FOLDER / model).mkdir(exist_ok=True)
        (FOLDER / model / NAME).write_text(text(lines), encoding="utf-8")
