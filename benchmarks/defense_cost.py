"""Seconds per step and memory of every defense that trains, as multiples of plain fine-tuning (`refusal_sft`).

Full parameters in float32, AdamW, 7 rows a step, the class's own defaults where not said below; subject and rows are
those of the organism, or another model on the same rows. Each run of a defense follows one of plain fine-tuning, and
the medians of the repeats are over such pairs. Seconds are those that one thread had of the processor, which other work
on the machine disturbs less than wall time; what a method does before its second step is left out. Beside them stands
what `titer plan` reckons with: `passes` times the operations of what `load` says, reading being a third of training.
Copies of the weights are those beside gradient and moments (`benchmarks.live_memory`), beside what the class says of
them (`copies`); bytes are all that is allocated beside the weights.

Where a small model differs from a large one: `repnoise` and `seam` read every hidden state through the head, while
`crl`, `repbend` and `circuit_breakers` need most of their hidden states without it. The head has 17 % of the organism's
weights; with 21 % and 31 states to be read, as in a model of 135 M, `repnoise` takes 7.9 times the operations of
refusal training, and with 3 %, as in one of 7 B, 2.9 times: the 3 that its class says. What is done once for each
weight, such as an update, a move that is taken back, or the derivative of an optimizer (`mlac`), counts more where a
step has 100 tokens and not thousands; so do the hooks of `deep_refusal`. `vaccine` takes its first gradient at states
alone, which saves a third of one of its two passes on any model.

    python -m benchmarks.defense_cost --repeats 3
    python -m benchmarks.defense_cost --model models/SmolLM2-135M-Instruct.Q4_1.gguf --only repnoise
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import torch

from benchmarks.live_memory import Peaks, peaks
from titer.data import organism
from titer.errors import TiterError
from titer.methods import registry
from titer.methods.base import Defense
from titer.models.subject import load
from titer.records import Choice, Frame, Row
from titer.training.recipe import Full, Training
from titer.training.types import Material

PLAIN = "refusal_sft"
STEPS = 5
"""The first is left out; the others hold one round of `lat`, whose shifts are sought at the fifth."""
LOOKED_AT = 3
"""Steps whose memory is looked at: the profiler keeps some hundred bytes of each operation."""
SHARED = {"train_steps": STEPS, "batch": 7, "lr": 1e-5}
"""No size of a weight is a multiple of 7, so that no activation has that of one."""
OWN: Mapping[str, Mapping[str, Any]] = {
    "ctrl": {"keep": 0.5},
    "deep_refusal": {"trainable": Full(), "ablation_prob": 0.5, "prefix": (1, 4), "layer": 1, "prompts": 8},
    "mlac": {"inner_batch": 7, "inner_steps": 4},
    "sophon": {"inner_steps": 16, "inner_batch": 7, "aside": 7},
    "tar": {"inner_steps": 16},
    "targeted_vaccine": {"layers": 1, "scored_rows": 1},
    "vaa": {"pilot_align_steps": 30, "pilot_steps": 2, "pilot_lr": 1e-3, "pilot_poison": 1.0},
}
OF_THE_LOOP = 3
"""Copies that are a gradient and the moments of AdamW."""


@dataclass(frozen=True)
class Contender:
    """A defense, and what it was measured to take."""

    defense: Defense
    ratios: list[float]
    peaks: Peaks

    def row(self, plain: Peaks) -> str:
        own, held = self.defense, self.peaks.copies - OF_THE_LOOP
        spread = f"{min(self.ratios):.2f} to {max(self.ratios):.2f}"
        size = self.peaks.nbytes / plain.nbytes
        return (
            f"| `{own.name}` | {own.passes} | {reckoned(own):.1f} | {statistics.median(self.ratios):.2f} | {spread} "
            f"| {own.copies} | {held:.1f} | {size:.2f} | {self.peaks.nbytes / 2**20:.0f} |"
        )


def trained_defenses() -> dict[str, Defense]:
    """Every defense of the catalog that trains, as it is measured here."""
    found = {}
    for name, cls in registry.known("defenses").items():
        if issubclass(cls, Training):
            wanted = cls.model_validate({**SHARED, **OWN.get(name, {})}).to_data()
            found[name] = registry.defense(Choice(name=name, parameters=wanted))
    return found


def reckoned(defense: Defense) -> float:
    """What a step costs by what the class says, as a multiple of plain fine-tuning on as many rows."""
    assert isinstance(defense, Training)
    return defense.passes * (defense.load.rows + (defense.load.partly + defense.load.read) / 3) / defense.rows_per_step


def material() -> Material:
    """Restricted rows with their refusals, and benign ones."""
    frame = Frame(max_new_tokens=8)

    def some(name: str) -> tuple[Row, ...]:
        found = organism.rows(name)[:48]
        return tuple(
            Row(
                id=own["id"],
                group=own["entity"],
                prompt=own["prompt"],
                response=own["response"],
                refusal=own.get("refusal"),
            )
            for own in found
        )

    benign = some(organism.BENIGN)
    return Material(train=benign, harmful=some("vaults"), benign=benign, frame=frame, plain=frame)


def seconds(model: str, defense: Defense) -> float:
    """Of a step, the first left out."""
    with closing(defense.steps(load({"model": model}), material(), 0, None)) as steps:  # type: ignore[type-var]
        next(steps)
        begin = time.process_time()
        for _ in steps:
            pass
    return (time.process_time() - begin) / (STEPS - 1)


def measured(model: str, defense: Defense, repeats: int) -> Contender:
    """Pairs of runs, and one more to look at the memory."""
    plain, ratios = trained_defenses()[PLAIN], []
    for _ in range(repeats):
        usual = seconds(model, plain)
        ratios.append(seconds(model, defense) / usual)
    subject, short = load({"model": model}), defense.model_copy(update={"train_steps": LOOKED_AT})
    return Contender(defense, ratios, peaks(subject, lambda: list(short.steps(subject, material(), 0, None))))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--model", default="organism")
    parser.add_argument("--only", nargs="*", help="names of defenses; all by default")
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    torch.set_num_threads(1)
    defenses = trained_defenses()
    plain = measured(options.model, defenses[PLAIN], options.repeats)
    print("| defense | passes | reckoned | seconds | pairs | copies | measured | bytes | MiB |")
    print("|---|---|---|---|---|---|---|---|---|")
    print(plain.row(plain.peaks), flush=True)
    for name in options.only or sorted(defenses.keys() - {PLAIN}):
        try:
            print(measured(options.model, defenses[name], options.repeats).row(plain.peaks), flush=True)
        except TiterError as error:
            print(f"`{name}` was not measured: {error}", flush=True)


if __name__ == "__main__":
    main()
