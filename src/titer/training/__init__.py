"""The one training loop, and what its updates descend. `loop.train` and the objectives load torch, and stand apart."""

from titer.training.recipe import Full, LoRA, Training
from titer.training.types import Material, Objective, State, Step

__all__ = [
    "Full",
    "LoRA",
    "Material",
    "Objective",
    "State",
    "Step",
    "Training",
]
