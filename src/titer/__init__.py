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
    from titer.planning.freeze import open_study as open_study
    from titer.protocol.schema import Protocol as Protocol
    from titer.study.folder import Study as Study
    from titer.study.folder import locate as locate

__version__ = version("titer")

_HOMES = {
    "Protocol": "titer.protocol.schema",
    "Study": "titer.study.folder",
    "TiterError": "titer.errors",
    "Verdict": "titer.analysis.findings",
    "locate": "titer.study.folder",
    "open_study": "titer.planning.freeze",
}
__all__ = ["__version__", *sorted(_HOMES)]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'titer' has no attribute '{name}'")
    return getattr(import_module(_HOMES[name]), name)
