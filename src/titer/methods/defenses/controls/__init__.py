"""Controls of the defenses: what a defense must do better than, one a file."""
