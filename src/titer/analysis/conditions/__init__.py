"""The four conditions: what an assay says of each, one per file or folder, as pure functions without torch."""
