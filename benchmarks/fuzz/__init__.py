"""Input that was bent at random: whatever is written or given, titer says what is wrong with it, or takes it."""
