"""`list` and `show`: the methods, presets and checkpoints there are, and all that is known of one method."""
