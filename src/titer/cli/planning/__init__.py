"""The command `plan`: what a study will do, what it will cost, and what it can decide."""
