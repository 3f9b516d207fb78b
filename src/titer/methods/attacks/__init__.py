"""Ways to change a subject so that it becomes harmful, one a file."""
