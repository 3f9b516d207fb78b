"""The search for the strongest attack: which trials are run, from those that were."""
