"""titer: how much harmful fine-tuning a language model withstands, and models that withstand more.

Names are loaded when they are first used: `import titer` loads neither torch nor scipy. What has the name of its module
is imported from there: `titer.planning.plan.plan`,
`titer.run.run`, `titer.conclude.conclude` and `titer.conclude.report`.
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from titer.analysis.findings import Verdict as Verdict
    from titer.errors import TiterError as TiterError
    from titer.execution.executor import Executor as Executor
    from titer.methods.base import Attack as Attack
    from titer.methods.base import Defense as Defense
    from titer.methods.fine_tuning import FineTuning as FineTuning
    from titer.methods.measurement import Judge as Judge
    from titer.methods.measurement import Probe as Probe
    from titer.methods.prompting import Prompting as Prompting
    from titer.methods.requires import Need as Need
    from titer.methods.requires import Requires as Requires
    from titer.methods.weight_edit import WeightEdit as WeightEdit
    from titer.planning.freeze import open_study as open_study
    from titer.protocol.schema import Protocol as Protocol
    from titer.study.folder import Study as Study
    from titer.study.folder import locate as locate

__version__ = version("titer")

_HOMES = {
    "Attack": "titer.methods.base",
    "Defense": "titer.methods.base",
    "Executor": "titer.execution.executor",
    "FineTuning": "titer.methods.fine_tuning",
    "Judge": "titer.methods.measurement",
    "Need": "titer.methods.requires",
    "Probe": "titer.methods.measurement",
    "Prompting": "titer.methods.prompting",
    "Protocol": "titer.protocol.schema",
    "Requires": "titer.methods.requires",
    "Study": "titer.study.folder",
    "TiterError": "titer.errors",
    "Verdict": "titer.analysis.findings",
    "WeightEdit": "titer.methods.weight_edit",
    "locate": "titer.study.folder",
    "open_study": "titer.planning.freeze",
}
__all__ = ["__version__", *sorted(_HOMES)]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'titer' has no attribute '{name}'")
    return getattr(import_module(_HOMES[name]), name)
