"""A search for the strongest attack in numbers: the doses of its trials, what counts, and which trial is selected."""
