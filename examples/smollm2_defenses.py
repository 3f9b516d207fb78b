"""Write smollm2-defenses.toml for a few defenses, each at settings that were fixed before any was run.

    python examples/smollm2_defenses.py FOLDER [NAME ...]

All that train have as many steps, rows, and the rate of the defense in smollm2-topics.toml; what is a defense's own is
as its paper or code has it (docs/methods.md), but for two settings of ours: adversarial loss is clamped at ln V, and
benign rows are half of a batch where the method has none. Noise is as long as the displacement of that study's defended
model. LoX takes for alignment all that was done to the model, its teaching too.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, Final

from titer.records import Choice
from titer.tuning.defense_text import with_defense

PROTOCOL = Path(__file__).with_name("smollm2-defenses.toml")
TRAINED: Final[dict[str, Any]] = {
    "train_steps": 100,
    "lr": 5e-5,
    "batch": 8,
    "schedule": {"kind": "cosine", "warmup": 10},
}
DISPLACEMENT = 0.00195
CLAMP = 10.8
"""ln V is 10.80 nats."""
DEFENSES: Final[dict[str, dict[str, Any]]] = {
    "refusal_sft": {**TRAINED, "benign_share": 0.5},
    "random_displacement": {"displacement": DISPLACEMENT},
    "adversarial_loss": {**TRAINED, "weight": 1.0, "mask": "response", "clamp": CLAMP, "benign_share": 0.5},
    "repnoise": {**TRAINED, "benign_share": 0.5},
    "crl": TRAINED,
    "lox": {},
    "deep_safety": TRAINED,
}


def protocol_of(name: str) -> str:
    """The protocol with one defense."""
    text, defense = PROTOCOL.read_text(encoding="utf-8"), Choice(name=name, parameters=DEFENSES[name])
    return with_defense(text, defense, f"smollm2-{name.replace('_', '-')}", {})


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="Write the protocol of a few defenses of SmolLM2.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("names", nargs="*", help="of the defenses; all by default")
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    for name in given.names or DEFENSES:
        (given.folder / f"{name}.toml").write_text(protocol_of(name), encoding="utf-8")


if __name__ == "__main__":
    main()
