"""Defenses that descend a loss at the weights as they are, one a file."""
