"""An attack, a defense and a judge for titer, found through the entry points of `pyproject.toml`."""
