"""Forms of others, filled from a study: each a data file with its source, and for each field where the answer is."""
