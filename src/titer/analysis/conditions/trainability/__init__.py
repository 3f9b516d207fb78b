"""Trainability: M* still learns benign tasks, in at most (1 + epsilon) times the steps of M, and as well."""

from titer.analysis.conditions.trainability.conclusion import conclude

__all__ = ["conclude"]
