"""The first step of a study: everything its protocol points at becomes a digest, rows and items are kept."""

from titer.planning.freeze.contents import restore_data
from titer.planning.freeze.frozen import freeze
from titer.planning.freeze.opening import begin_study, draft_study, open_study

__all__ = ["begin_study", "draft_study", "freeze", "open_study", "restore_data"]
