"""Defenses by which harmful training costs the subject its abilities, one a file."""
