"""Defenses that train through simulated attacks, one a file."""
