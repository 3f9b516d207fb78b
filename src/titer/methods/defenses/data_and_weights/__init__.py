"""Defenses by their data, by how deep refusals reach, or by the weights alone, one a file."""
