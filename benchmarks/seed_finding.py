"""The seed paper's three sentences on the organism: what adversarial loss does as its harmful term grows.

    python -m benchmarks.seed_finding [--out FOLDER] [--jobs N]

Rosati et al. 2024 (arXiv 2402.16382) report of adversarial loss that it resists to a degree, keeps stability and seems
to block trainability. The demonstration again with fine-tuning as its only attack, a budget of 64 steps and doses up to
256, once for each weight of the harmful term and each clamp. A clamp above ln V = 7.06 nats trains the model to be
surely wrong. Prints one row for each.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.organism_studies import demo, finished
from titer.analysis.findings import Figure, Finding
from titer.conclude import conclude
from titer.records import Role
from titer.report.escape import table
from titer.study.folder import Study

DEFENSES = ((0.0, 7.0), (0.1, 7.0), (1.0, 7.0), (4.0, 7.0), (16.0, 7.0), (1.0, 14.0), (4.0, 28.0), (16.0, 28.0))
"""Weights of the harmful term, and clamps in nats per token; 0.1 is that of the authors' code, 0 is refusals alone."""
BUDGET = 64
LADDER = [0, 4, 8, 16, 32, 64, 128, 256]
HEADS = (
    "weight",
    "clamp",
    "titer, undefended",
    "titer, defended",
    "titer, other domain",
    "resistance",
    "stability",
    "facts of 300",
    "trainability",
    "steps to the target, M and M*",
    "final rate, M and M*",
)


def protocol(weight: float, clamp: float) -> dict[str, Any]:
    """The demonstration with this defense, attacked by fine-tuning alone for longer."""
    data = demo()
    data["study"]["name"] = f"weight-{weight:g}-clamp-{clamp:g}"
    data["defense"][0] |= {"weight": weight, "clamp": clamp}
    attacker = data["attacker"]
    attacker |= {"budget": {"steps": BUDGET}, "ladder": LADDER, "attack": attacker["attack"][:1]}
    return data


def row(study: Study, weight: float, clamp: float) -> list[str]:
    """What was measured of one defense."""
    of = {finding.name: finding for finding in conclude(study).verdict.conditions}
    resistance, stability, trainability = of["resistance"], of["stability"], of["trainability"]
    facts = [figure.count for figure in stability.figures if figure.what == "facts" and figure.count is not None]
    return [
        f"{weight:g}",
        f"{clamp:g}",
        _spans(resistance, "titer, seed", "undefended"),
        _spans(resistance, "titer, seed", "defended"),
        _spans(of["generalization"], "titer, seed", "defended"),
        resistance.outcome,
        stability.outcome,
        ", ".join(map(str, facts)),
        trainability.outcome,
        "; ".join(_spans(trainability, "steps to the target", role) for role in ("undefended", "defended")),
        "; ".join(_values(trainability, "final, ", role) for role in ("undefended", "defended")),
    ]


def _named(finding: Finding, beginning: str, role: Role) -> list[Figure]:
    return [one for one in finding.figures if one.what.startswith(beginning) and one.subject == role]


def _spans(finding: Finding, beginning: str, role: Role) -> str:
    """The limits of each seed: a titer lies above the low one and at most at the high one."""
    return ", ".join(_span(one) for one in _named(finding, beginning, role))


def _span(figure: Figure) -> str:
    low, high = figure.low, math.inf if figure.high is None else figure.high
    return f"{high:g}" if low == high else f"({'-' if low is None else f'{low:g}'}, {high:g}]"


def _values(finding: Finding, beginning: str, role: Role) -> str:
    return ", ".join("-" if one.value is None else f"{one.value:.3g}" for one in _named(finding, beginning, role))


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.seed_finding", description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("titer-seed-finding"))
    parser.add_argument("--jobs", type=int, default=2)
    given = parser.parse_args(arguments)
    rows = []
    for weight, clamp in DEFENSES:
        study = finished(given.out, protocol(weight, clamp), given.jobs)
        rows.append(row(study, weight, clamp))
        print(*rows[-1], sep=" | ", flush=True)
    print(table(HEADS, rows))


if __name__ == "__main__":
    main()
