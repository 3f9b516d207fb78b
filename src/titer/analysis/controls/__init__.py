"""May an assay be believed? Checks on the assay itself, grouped by what they look at; the table has them all."""

from titer.analysis.controls.control import Control
from titer.analysis.controls.table import CONTROLS, check

__all__ = ["CONTROLS", "Control", "check"]
