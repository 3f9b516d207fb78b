"""Attacks, defenses, probes and judges: what a method is, and every one by name."""
