"""Write organism-defenses.toml for every defense, each with what `titer tune` is to try of it.

    python examples/organism_defenses.py FOLDER [NAME ...]

`python -m benchmarks.defense_studies` tunes, runs and packs a group of them. All else is that protocol: the attacker,
the domains, the tasks, the number of trials. What is written by hand beside a name is the published setting where that
means something for 0.94 million weights whose hidden states are 80 long, and otherwise ours (docs/methods.md has the
paper's); the search begins there. Each was looked at on the rows of the defense alone, before any attack: its own
harmful term has to move, and what is searched has to reach settings that keep the refusals. Controls and what trains
nothing have few parameters, and as many trials; what has no parameters has none.
"""

from __future__ import annotations

import argparse
import tomllib
from pathlib import Path
from typing import Any, Final

from titer.records import Choice
from titer.tuning.defense_text import with_defense

PROTOCOL = Path(__file__).with_name("organism-defenses.toml")
QUICK = Path(__file__).with_name("organism-defenses-quick.toml")
TRAINED: Final[dict[str, Any]] = {"train_steps": 200, "lr": 1e-4, "batch": 16}
RATE: Final[dict[str, Any]] = {"lr": {"low": 3e-5, "high": 1e-3}}
LOW: Final[dict[str, Any]] = {"low": 1e-5, "high": 1e-4}
HIGH: Final[dict[str, Any]] = {"low": 3e-4, "high": 3e-3}
SHORT: Final[dict[str, Any]] = {"train_steps": [15, 30, 60, 120]}
"""Unlearning keeps no refusals: those of them that last go with the rows that are forgotten."""
LN_V = 7.0
"""The loss of a guess is 7.06 nats per token."""

Settings = tuple[dict[str, Any], dict[str, Any]]
"""Parameters written by hand, and what is tried."""


def trained(written: dict[str, Any], space: dict[str, Any]) -> Settings:
    """A defense that trains: 200 steps of 16 rows, its rate searched beside what is its own."""
    return {**TRAINED, **written}, {**RATE, **space}


DEFENSES: Final[dict[str, Settings]] = {
    "no_op": ({}, {}),
    "random_init": ({}, {}),
    "refusal_sft": trained({}, {"benign_share": [0.25, 0.5, 0.75]}),
    "weight_noise": ({"sigma": 0.02}, {"sigma": {"low": 0.003, "high": 0.1}}),
    "gradient_ascent": trained({"train_steps": 50, "lr": 3e-5, "clamp": LN_V}, {"train_steps": [20, 50, 100]}),
    "adversarial_loss": trained(
        {"weight": 1.0, "mask": "response", "clamp": LN_V, "benign_share": 0.5}, {"weight": [0.1, 0.5, 1.0, 2.0]}
    ),
    "graddiff": trained({"clamp": LN_V, "train_steps": 30}, {"forget_weight": [0.03, 0.1, 0.3, 1.0], **SHORT}),
    "npo": trained({"beta": 0.2, "train_steps": 30}, {"beta": [0.1, 0.2, 0.5, 1.0], **SHORT}),
    "simnpo": trained(
        {"beta": 0.5, "delta": 1.0, "train_steps": 60}, {"beta": [0.5, 1.0, 4.5], "delta": [0.0, 1.0, 2.0], **SHORT}
    ),
    "sam_npo": trained({"clamp": LN_V, "train_steps": 30}, {"rho": [0.003, 0.01, 0.03, 0.1], **SHORT}),
    "repnoise": trained(
        {"benign_share": 0.5, "alpha": 0.1, "train_steps": 100},
        {"alpha": [0.03, 0.1, 0.3, 1.0], "beta": [0.001, 0.01], "train_steps": [50, 100, 200]},
    ),
    "crl": trained(
        {"alpha": 0.05, "beta": 6.0, "lr": 1e-3},
        {"alpha": [0.02, 0.05, 0.15, 0.5], "beta": [2.0, 6.0, 20.0], "epsilon": [0.7, 7.0], "lr": HIGH},
    ),
    "repbend": trained({"cap": 2.0}, {"beta": [0.05, 0.1, 0.5], "epsilon": [0.3, 3.0]}),
    "circuit_breakers": trained(
        {"retain_weight": 0.1, "lr": 1e-3}, {"retain_weight": [0.03, 0.1, 0.3], "alpha": [3.0, 10.0, 30.0], "lr": HIGH}
    ),
    "rmu": trained(
        {"alpha": 30.0, "steering_coeff": 70.0, "lr": 3e-3},
        {"steering_coeff": [20.0, 70.0, 200.0], "alpha": [3.0, 30.0, 300.0], "lr": {"low": 5e-4, "high": 1e-2}},
    ),
    "vaccine": trained({"benign_share": 0.5, "rho": 20.0}, {"rho": [5.0, 20.0, 60.0, 200.0]}),
    "targeted_vaccine": trained({"layers": 2, "benign_share": 0.5, "rho": 20.0}, {"rho": [5.0, 20.0, 60.0, 200.0]}),
    "booster": trained(
        {"lam": 0.2, "alpha": 0.03, "benign_share": 0.5}, {"lam": [0.05, 0.2, 1.0], "alpha": [0.01, 0.03, 0.1]}
    ),
    "lat": trained(
        {"depths": [0.25, 0.5], "train_steps": 30, "lr": 3e-5},
        {"epsilon": [0.5, 2.0, 6.0], "train_steps": [10, 30, 100], "lr": LOW},
    ),
    "vaa": trained({"pilot_steps": 10, "pilot_lr": 5e-5, "benign_share": 0.5}, {"rho": [0.1, 0.4, 1.0]}),
    "random_mapping": trained({"train_steps": 50}, {}),
    "tar": trained(
        {"train_steps": 30, "inner_steps": 16, "inner_lrs": [3e-5, 1e-4, 3e-4]}, {"tamper_scale": [1.0, 4.0, 10.0]}
    ),
    "mlac": trained({"train_steps": 30, "inner_steps": 8}, {"weight": [0.3, 1.0, 3.0]}),
    "sophon": trained(
        {"train_steps": 120, "inner_steps": 16, "inner_optimizer": "adamw", "inner_lrs": [3e-5, 1e-4, 3e-4]},
        {"form": ["inverse", "one_minus_p", "uniform"], "reinforcement": [1.0, 1.67, 3.0]},
    ),
    "ctrap": trained({}, {"alpha": [0.03, 0.1, 0.3], "lamb": [0.03, 0.1, 0.3]}),
    "seam": trained(
        {"lr": 3e-5, "train_steps": 100, "beta": 3.0},
        {"beta": [0.3, 3.0, 30.0], "train_steps": [50, 100, 200], "lr": LOW},
    ),
    "sdd": trained({"benign_share": 0.5}, {"benign_share": [0.0, 0.5]}),
    "lox": ({"k": 6, "alpha": 0.25}, {"k": [0, 3, 6, 20], "alpha": [0.05, 0.1, 0.25, 0.5, 1.25]}),
    "deep_safety": trained({"longest": 4}, {"begun_share": [0.25, 0.5, 0.75]}),
    "deep_refusal": trained(
        {"prefix": [1, 4], "ablation_prob": 0.3}, {"ablation_prob": [0.3, 0.5, 0.7], "alpha": [0.2, 0.5, 0.8]}
    ),
    "ctrl": trained({"keep": 0.5}, {"keep": [0.25, 0.5, 0.75]}),
}
GROUPS: Final[dict[str, tuple[str, ...]]] = {
    "losses": (
        *("no_op", "random_init", "refusal_sft", "weight_noise", "gradient_ascent"),
        *("adversarial_loss", "graddiff", "npo", "simnpo", "sam_npo"),
    ),
    "representations": (
        *("repnoise", "crl", "repbend", "circuit_breakers", "rmu"),
        *("vaccine", "targeted_vaccine", "booster", "lat", "vaa"),
    ),
    "traps-and-data": ("random_mapping", "ctrap", "seam", "sdd", "lox", "deep_safety", "deep_refusal", "ctrl"),
    "apart": ("tar", "mlac", "sophon"),
}
"""Which are run together: three groups, and apart what is slow in itself."""
FEW: Final = ("refusal_sft", "weight_noise", "adversarial_loss", "repnoise", "booster", "crl", "lox")
"""Those of the quick protocol."""


def protocol_of(name: str, base: Path = PROTOCOL) -> str:
    """A protocol with one defense, and its tuning where the protocol tunes and there is anything to tune.

    Args:
        name: of the defense.
        base: the protocol of all of them.
    """
    written, space = DEFENSES[name]
    text = base.read_text(encoding="utf-8")
    study = f"{tomllib.loads(text)['study']['name']}-{name.replace('_', '-')}"
    return with_defense(text, Choice(name=name, parameters=written), study, space)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="Write a protocol for every defense.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("names", nargs="*", help="of the defenses; all by default")
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    for name in given.names or DEFENSES:
        (given.folder / f"{name}.toml").write_text(protocol_of(name), encoding="utf-8")


if __name__ == "__main__":
    main()
