"""A study on disk: its folder, its store, its tasks, and what it is packed into."""
