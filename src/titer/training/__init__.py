"""The one training loop, and what its updates descend."""
