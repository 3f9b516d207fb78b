"""Rows and items: reading them, cutting them into disjoint splits, and what overlaps."""
