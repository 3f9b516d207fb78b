"""The four conditions: what an assay says of each, one per file, as pure functions without torch."""
