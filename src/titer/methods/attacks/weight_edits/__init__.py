"""Attacks that edit the weights without training, one a file; what they share begins with an underscore."""
