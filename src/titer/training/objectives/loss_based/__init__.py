"""Objectives at the weights as they are, one a file."""
