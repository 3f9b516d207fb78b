"""A step of the targeted form of Vaccine on few rows."""

from __future__ import annotations

from typing import Literal

from titer.training.objectives.perturbation.targeted_vaccine import Targeted

ROWS = 4


def targeted(layers: int, scored_rows: int = 12, freeze: Literal["block", "attention"] = "block") -> Targeted:
    return Targeted(
        rows={"refusal": ROWS},
        batch=ROWS,
        rho=2.0,
        layers=layers,
        switch_every=20,
        score_every=200,
        scored_rows=scored_rows,
        freeze=freeze,
    )
