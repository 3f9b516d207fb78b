"""The one training loop, and what its updates descend."""

from titer.training.loop import Recipe, train
from titer.training.recipe import Full, LoRA, Training
from titer.training.sft import SFT
from titer.training.types import Material, Objective, State, Step

__all__ = [
    "Full",
    "LoRA",
    "Material",
    "Objective",
    "Recipe",
    "SFT",
    "State",
    "Step",
    "Training",
    "train",
]
