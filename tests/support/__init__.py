"""What tests share: protocols, studies, synthetic assays, tiny models, the command line."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
"""The checkout."""
