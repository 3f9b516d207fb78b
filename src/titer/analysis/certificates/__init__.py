"""Proofs that harm stays below a threshold, for architectures that admit one."""
