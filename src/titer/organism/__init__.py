"""The built-in model organism: a tiny aligned checkpoint, and the script that makes it."""
