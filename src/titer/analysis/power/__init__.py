"""What a study can decide, foreseen before its run: the power of each claim, and the items that they need."""
