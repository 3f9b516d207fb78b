"""Ways to change a subject before release so that attacks cost more, one a file."""
