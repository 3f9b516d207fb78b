"""Objectives by which harmful training costs abilities, one a file."""
