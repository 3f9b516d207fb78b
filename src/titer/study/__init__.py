"""A study on disk: its folder, its store, its tasks, and packed copies of it."""
