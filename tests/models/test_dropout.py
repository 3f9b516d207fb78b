"""What a model's own files ask for in dropout does not reach who trains it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from titer.models.subject import load
from titer.testing import tiny_subject

pytestmark = pytest.mark.model


def test_a_published_dropout_slows_no_attack_down(tmp_path: Path) -> None:
    tiny_subject().save(tmp_path / "model")
    config = tmp_path / "model" / "config.json"
    asked = json.loads(config.read_text(encoding="utf-8")) | {"attention_dropout": 0.9}
    config.write_text(json.dumps(asked), encoding="utf-8")
    subject = load({"model": str(tmp_path / "model")})
    assert subject.model.config.attention_dropout == 0
    subject.model.train()
    ids = torch.arange(3, 15)[None]
    with torch.no_grad():
        first, second = (subject.model(ids).logits for _ in range(2))
    assert torch.equal(first, second)
