"""What is written down before a run: the protocol, how it is read, and what is wrong with it."""
