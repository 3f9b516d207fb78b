"""Objectives at weights, states or embeddings that an attack has moved, one a file."""
