"""Objectives through simulated attacks, one a file."""
