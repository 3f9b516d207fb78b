"""Write smollm2-defenses.toml for a few defenses, each at settings that were fixed before any was run.

    python examples/smollm2_defenses.py FOLDER [NAME ...]

All that train have as many steps, rows, and the rate of the defense in smollm2-topics.toml; what is a defense's own is
as its paper or code has it (docs/methods.md), but for two settings of ours: adversarial loss is clamped at ln V, and
benign rows are half of a batch where the method has none. Noise is as long as the displacement of that study's defended
model. LoX takes for alignment all that was done to the model, its teaching too.

Two more are for the question whether trainability goes once the harmful loss may rise: adversarial loss at four times
the weight, clamped at two and at four times ln V.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Final

from pydantic import JsonValue

from titer.records import Choice
from titer.tuning.defense_text import with_defense

PROTOCOL = Path(__file__).with_name("smollm2-defenses.toml")
TRAINED: Final[dict[str, JsonValue]] = {
    "train_steps": 100,
    "lr": 5e-5,
    "batch": 8,
    "schedule": {"kind": "cosine", "warmup": 10},
}
DISPLACEMENT = 0.00195
LN_V = 10.8
"""The loss, in nats, of one who knows nothing of the next token."""


def adversarial_loss(weight: float, clamp: float) -> Choice:
    """The defense of that study, at batches of 8, with this weight and clamp of the harmful term."""
    own = {"weight": weight, "mask": "response", "clamp": clamp, "benign_share": 0.5}
    return Choice(name="adversarial_loss", parameters=TRAINED | own)


DEFENSES: Final = {
    "refusal_sft": Choice(name="refusal_sft", parameters=TRAINED | {"benign_share": 0.5}),
    "random_displacement": Choice(name="random_displacement", parameters={"displacement": DISPLACEMENT}),
    "adversarial_loss": adversarial_loss(1.0, LN_V),
    "repnoise": Choice(name="repnoise", parameters=TRAINED | {"benign_share": 0.5}),
    "crl": Choice(name="crl", parameters=TRAINED),
    "lox": Choice(name="lox"),
    "deep_safety": Choice(name="deep_safety", parameters=TRAINED),
    "adversarial_loss_2": adversarial_loss(4.0, 2 * LN_V),
    "adversarial_loss_4": adversarial_loss(4.0, 4 * LN_V),
}


def protocol_of(name: str) -> str:
    """The protocol with one of them."""
    text = PROTOCOL.read_text(encoding="utf-8")
    return with_defense(text, DEFENSES[name], f"smollm2-{name.replace('_', '-')}", {})


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
