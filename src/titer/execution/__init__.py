"""Where tasks are done. An executor gets tasks and a store, nothing else."""

from titer.execution.executor import Executor

__all__ = ["Executor"]
