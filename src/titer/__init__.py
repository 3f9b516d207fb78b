"""titer: how much harmful fine-tuning a language model withstands, and models that withstand more.

Names are loaded when they are first used: `import titer` loads neither torch nor scipy.
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from titer.conclude import conclude as conclude
    from titer.conclude import report as report
    from titer.errors import TiterError as TiterError
    from titer.freeze import open_study as open_study
    from titer.plan import plan as plan
    from titer.protocol import Protocol as Protocol
    from titer.records import Verdict as Verdict
    from titer.run import run as run
    from titer.study import Study as Study
    from titer.study import locate as locate

__version__ = version("titer")

_HOMES = {
    "Protocol": "titer.protocol",
    "Study": "titer.study",
    "TiterError": "titer.errors",
    "Verdict": "titer.records",
    "conclude": "titer.conclude",
    "locate": "titer.study",
    "open_study": "titer.freeze",
    "plan": "titer.plan",
    "report": "titer.conclude",
    "run": "titer.run",
}
__all__ = ["__version__", *sorted(_HOMES)]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'titer' has no attribute '{name}'")
    return getattr(import_module(_HOMES[name]), name)
