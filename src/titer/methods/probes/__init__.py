"""Ways to ask a subject its items, one a file."""
