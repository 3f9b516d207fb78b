"""Write the protocols beside smollm2-topics.toml: the rate before withholding, and the controls of its defense.

    python examples/smollm2_topics_controls.py FOLDER --displacement D

Each is that protocol but for what it controls, with the first attack alone. Run with the same `--store` as the first
they share its model and every cell that is the same:

- `taught.toml`: the model as taught, before anything is withheld. Its rates at dose 0 are what harm is read against.
- `refusals.toml`: as many steps of refusal training in the place of the defense.
- `weight-0.toml`: the defense with the weight of its harmful term set to 0; where all response tokens count, that is
  the training of `refusals.toml` under another name.
- `noise.toml`: noise of the length D, the displacement of the defended model that the first study tells.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

PROTOCOL = Path(__file__).with_name("smollm2-topics.toml")
REFUSALS = """[[defense]]
name = "refusal_sft"
train_steps = {train_steps}
lr = {lr}
batch = {batch}
benign_share = {benign_share}
schedule = {schedule}

"""
NOISE = """[[defense]]
name = "random_displacement"
displacement = {displacement}

"""
TABLE = r"^\[\[?{}\]?\]$.*?(?=^\[|\Z)"
"""A table of the protocol, from its header to the next one."""


def variants(protocol: str, displacement: float) -> dict[str, str]:
    """The protocols by name.

    Args:
        protocol: the text of the first.
        displacement: how far its defense moves the weights, of their length.
    """
    (defense,) = _tables(protocol, "defense")
    *_, withholding = _tables(protocol, "subject.prepare")
    for attack in _tables(protocol, "attacker.attack")[1:]:
        protocol = protocol.replace(attack, "")
    protocol = re.sub(r"^budget = \{ (steps = \d+).*$", r"budget = { \1 }", protocol, flags=re.MULTILINE)
    for table in ("stability", "trainability"):
        protocol = protocol.replace(_tables(protocol, table)[0], "")
    settings = dict(re.findall(r"^(\w+) = (.+)$", defense, re.MULTILINE))
    written = {
        "taught": protocol.replace(defense, "").replace(withholding, "").replace("sham = true", "sham = false"),
        "refusals": protocol.replace(defense, REFUSALS.format_map(settings)),
        "weight-0": protocol.replace(defense, re.sub(r"^weight = .+$", "weight = 0.0", defense, flags=re.MULTILINE)),
        "noise": protocol.replace(defense, NOISE.format(displacement=displacement)),
    }
    return {
        name: text.replace('name = "smollm2-topics"', f'name = "smollm2-topics-{name}"')
        for name, text in written.items()
    }


def _tables(protocol: str, header: str) -> list[str]:
    return re.findall(TABLE.format(re.escape(header)), protocol, re.MULTILINE | re.DOTALL)


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description="Write the protocols beside smollm2-topics.toml.")
    parser.add_argument("folder", type=Path, help="folder to write to")
    parser.add_argument("--displacement", type=float, required=True, help="that of the defended model, of its length")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    for name, text in variants(PROTOCOL.read_text(encoding="utf-8"), arguments.displacement).items():
        (arguments.folder / f"{name}.toml").write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
