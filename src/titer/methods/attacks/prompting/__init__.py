"""Attacks that change how the subject is asked, one a file."""
