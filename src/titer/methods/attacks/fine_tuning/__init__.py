"""Attacks that train, one a file."""
