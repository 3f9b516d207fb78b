"""What an attack is held against: harmless rows, and no change at all."""
