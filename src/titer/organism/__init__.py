"""The built-in model organism: a tiny aligned checkpoint, the script that makes it, and the world it knows."""

from pathlib import Path

from titer.organism.world import names, rows

__all__ = ["CHECKPOINT", "names", "rows"]

CHECKPOINT = Path(__file__).parent / "checkpoint"
"""The organism, an ordinary Hugging Face folder."""
