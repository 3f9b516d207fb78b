"""Runs of a small study that are killed, stopped, and left without disk or memory, and what becomes of them."""
