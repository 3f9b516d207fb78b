"""Where tasks are done. An executor gets tasks and a store, nothing else."""
