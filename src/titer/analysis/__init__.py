"""From scores to a verdict: pure functions without torch."""
