"""What is missing of a study: which cells it has, what they need, and what they will cost."""
